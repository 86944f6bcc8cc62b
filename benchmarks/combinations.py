"""Which rules run on which experiments, and why the others do not: a table in Markdown.

python benchmarks/combinations.py            # by what the parts need and provide; no data, seconds
python benchmarks/combinations.py --sentences
"""

import argparse

from vestige.errors import UsageError
from vestige.registries import registry


def verdict(experiment, rule: str) -> str:
    """`runs`, the model with which it runs on the task, or the sentence that refuses it."""
    try:
        experiment.choose({"rule": rule})
        return "runs"
    except (ValueError, UsageError) as error:
        refusal = str(error)
    for name, model in registry("model").items():
        if model.needs in experiment.task.provides and registry("rule")[rule].needs in model.provides:
            try:
                experiment.choose({"model": name, "rule": rule})
            except (ValueError, UsageError):
                continue
            return f"--model {name}"
    return refusal


def summarised(row: dict[str, str]) -> tuple[str, str, int]:
    """The rules that run, those that run with another model, and how many are refused."""
    others: dict[str, list[str]] = {}
    for rule, said in row.items():
        if said.startswith("--model"):
            others.setdefault(said, []).append(rule)
    runs = ", ".join(rule for rule, said in row.items() if said == "runs")
    models = "; ".join(f"`{model}`: {', '.join(names)}" for model, names in others.items())
    return runs, models, sum(said != "runs" and not said.startswith("--model") for said in row.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sentences", action="store_true", help="also print one refusal in full for each thing that rules need"
    )
    arguments = parser.parse_args()
    entries, rules = registry("experiment"), registry("rule")
    found = {name: {rule: verdict(entry.preset("small"), rule) for rule in rules} for name, entry in entries.items()}
    print("| experiments | rules that run as they are | with another model | refused |")
    print("|---|---|---|---|")
    alike: dict[tuple[str, str, int], list[str]] = {}
    for name, row in found.items():
        alike.setdefault(summarised(row), []).append(name)
    for (runs, models, refused), names in alike.items():
        print(f"| {', '.join(names)} | {runs} | {models} | {refused} |")
    if arguments.sentences:
        sentences = {}
        for row in found.values():
            for rule, said in row.items():
                if " needs " in said:
                    sentences.setdefault(registry("rule")[rule].needs, said)
        print()
        for said in sentences.values():
            print(f"- {said}")


if __name__ == "__main__":
    main()
