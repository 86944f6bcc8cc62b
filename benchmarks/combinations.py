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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", action="store_true", help="also list every refusal in full")
    arguments = parser.parse_args()
    entries, rules = registry("experiment"), registry("rule")
    found = {name: {rule: verdict(entry.preset("small"), rule) for rule in rules} for name, entry in entries.items()}
    print("| experiment | runs as it is | runs with another model | refused |")
    print("|---|---|---|---|")
    for name, row in found.items():
        runs = ", ".join(rule for rule, said in row.items() if said == "runs")
        others: dict[str, list[str]] = {}
        for rule, said in row.items():
            if said.startswith("--model"):
                others.setdefault(said, []).append(rule)
        models = "; ".join(f"`{model}`: {', '.join(names)}" for model, names in others.items())
        refused = sum(said != "runs" and not said.startswith("--model") for said in row.values())
        print(f"| {name} | {runs} | {models} | {refused} |")
    if arguments.sentences:
        sentences = {said for row in found.values() for said in row.values() if " needs " in said}
        print()
        for said in sorted(sentences):
            print(f"- {said}")


if __name__ == "__main__":
    main()
