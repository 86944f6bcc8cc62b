"""The registered parts with their options, as a page in Markdown: `docs/api/parts.md`.

python benchmarks/parts_page.py > docs/api/parts.md

Parts of plugins are left out, so that the page is the same wherever it is made.
"""

import ast
import dataclasses
import functools
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from vestige.experiments.experiment import contract_of
from vestige.plain import name_of
from vestige.registries import CONTRACTS, registry
from vestige.spec import Spec

INTRODUCTION = """# Parts by name

Every registered part, one table for each contract of [`CONTRACTS`][vestige.registries.CONTRACTS]. A name is what is
typed after an option such as `--model.memory`, written in `config.yaml`, and given to
[`Experiment.choose`][vestige.experiments.Experiment]. An option is typed after the name of the part that has it:
`--model.memory.heads 2`, or `--heads 2` where no other part of the experiment has such an option. A preset may set
other defaults than a part has by itself: `vestige run EXPERIMENT --help` shows those of an experiment. `vestige list
memory` lists the registered memories, those of [plugins](../extend.md) included.

This page is made by `python benchmarks/parts_page.py`.
"""

WHERE = {
    "memory": "External memories: `--model.memory NAME`. See [`vestige.memory`](memory.md).",
    "cell": "Recurrent cells: `--model.cell NAME`. See [`vestige.cells`](cells.md).",
    "model": "Models: `--model NAME`. A model needs something of a task and provides something to a rule.",
    "prior": "Priors of the generative temporal model, each with its posterior: `--model.prior NAME`. "
    "See [`vestige.models.temporal`](models-temporal.md).",
    "tie": "How recognition and generation weights are tied: `--model.tie NAME`. See "
    "[`vestige.models.tied`](models-tied.md).",
    "rule": "Learning rules: `--rule NAME`. A rule needs something of a model. See [`vestige.rules`](rules.md).",
    "score": "Scores by which MemUP finds uncertain steps: `--rule.score NAME`.",
    "selection": "Selections of the steps that MemUP predicts: `--rule.selection NAME`.",
    "structure": "Distributions over structures: `vestige gradients NAME`. See [`vestige.structures`](structures.md).",
    "estimator": "Gradient estimators: `--model.estimator NAME`. See [`vestige.estimators`](estimators.md).",
    "baseline": "Baselines of score functions: `--model.estimator.baseline NAME`.",
    "task": "Tasks: `--task NAME`. A task provides something to a model. See [`vestige.tasks`](tasks.md).",
    "dataset": "Data sets: `vestige data get NAME`, `--task.images.source NAME`. See [`vestige.data`](data.md).",
    "optimiser": "Optimisers: `--optimiser NAME`. See [`vestige.training`](training.md).",
    "metric": "Metrics, as `results.json` and the pages have them. See [`vestige.report`](report.md).",
    "section": "Sections of a run's page, in their order. See [`vestige.report`](report.md).",
    "experiment": "Experiments: `vestige run NAME`. The parts are those of the preset `small`. See "
    "[`vestige.experiments`](experiments.md).",
}


@functools.cache
def helps(kind: type) -> dict[str, str]:
    """Option -> the sentences below its field, those of the nearest class."""
    found: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if not dataclasses.is_dataclass(owner):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = text
    return found


def cell(text: Any) -> str:
    """Text as it stands in a cell of a table."""
    words = " ".join(str(text).split())
    return words.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def value(of: Any) -> str:
    """A default as it is typed."""
    if of is None or isinstance(of, bool):
        return {None: "none", True: "true", False: "false"}[of]
    return f"`{', '.join(map(str, of)) if isinstance(of, tuple) else of}`" if of not in ("", ()) else "empty"


def linked(contract: str, name: str) -> str:
    """A registered name, with a link to the table of its contract."""
    return f"[`{name}`](#{contract})"


def options(spec: Spec, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Dotted name, default and help of the options of a part; other registered parts are named, not opened."""
    for field in dataclasses.fields(spec):
        name, said = f"{prefix}{field.name.replace('_', '-')}", helps(type(spec)).get(field.name, "")
        held, contract = getattr(spec, field.name), contract_of(type(spec), field.name)
        if contract:
            yield name, linked(contract, name_of(held)), said or f"The {contract}."
        elif isinstance(held, Spec):
            yield from options(held, f"{name}.")
        else:
            yield name, value(held), said


def summary(part: Any) -> str:
    """What a specification says it is: its sentence, and what it needs and provides."""
    said = getattr(part, "summary", None)
    text = said if isinstance(said, str) else (type(part).__doc__ or "").strip().split("\n\n")[0]
    needs, provides = getattr(part, "needs", ""), getattr(part, "provides", ())
    text = text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
    text += f" Needs: {needs}." if needs else ""
    return text + (f" Provides: {', '.join(sorted(provides))}." if provides else "")


def own(contract: str) -> dict[str, Any]:
    """The parts of Vestige, without those of plugins and those that follow from them."""
    foreign = {name for other in CONTRACTS for name in registry(other) if registry(other).origin(name)}
    return {name: part for name, part in registry(contract).items() if name not in foreign}


def specifications(contract: str) -> Iterator[str]:
    """A table of specifications: a row for each part, and one below it for each of its options."""
    yield from ("| name | option | default | what it is |", "|---|---|---|---|")
    first: dict[type, str] = {}
    for name, part in own(contract).items():
        like = first.setdefault(type(part), name)
        if like == name:
            yield f"| **`{name}`** | | | {cell(summary(part))} |"
            for option, default, said in options(part):
                yield f"| | `{option}` | {cell(default)} | {cell(said)} |"
        else:
            yield f"| **`{name}`** | | | {cell(difference(part, registry(contract)[like], contract, like))} |"


def difference(part: Spec, other: Spec, contract: str, like: str) -> str:
    """What a part has otherwise than one of its class that is in the table already."""
    told = [f"`{name}` {of}" for name, of in differing(part, other)]
    assert told, f"{contract} {like} is registered twice"
    return f"As `{like}`, with {', '.join(told)}."


def differing(part: Spec, other: Spec, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and value of the options in which two specifications of one class differ."""
    for field in dataclasses.fields(part):
        name, held, theirs = (
            f"{prefix}{field.name.replace('_', '-')}",
            getattr(part, field.name),
            getattr(other, field.name),
        )
        if held == theirs:
            continue
        if not isinstance(held, Spec):
            yield name, value(held)
        elif type(held) is type(theirs):
            yield from differing(held, theirs, f"{name}.")
        else:
            yield name, linked(held.contract, name_of(held))
            yield from differing(held, registry(held.contract)[name_of(held)], f"{name}.")


def datasets() -> Iterator[str]:
    """The data sets."""
    yield from ("| name | what it is |", "|---|---|")
    yield from (f"| **`{name}`** | {cell(data.description)} |" for name, data in own("dataset").items())


def metrics() -> Iterator[str]:
    """The metrics."""
    yield from ("| name | label | better | unit | role | what it is |", "|---|---|---|---|---|---|")
    for name, metric in own("metric").items():
        facts = (metric.label, metric.direction or "", metric.unit, metric.role, metric.explanation)
        yield f"| **`{name}`** | {' | '.join(map(cell, facts))} |"


def sections() -> Iterator[str]:
    """The sections of a run's page."""
    yield from ("| name | heading |", "|---|---|")
    yield from (f"| **`{name}`** | {cell(section.title)} |" for name, section in own("section").items())


def experiments() -> Iterator[str]:
    """The catalogue."""
    yield from ("| name | task | model | rule | optimiser | what it is |", "|---|---|---|---|---|---|")
    for name, entry in own("experiment").items():
        small = entry.preset("small")
        parts = [linked(part, name_of(getattr(small, part))) for part in ("task", "model", "rule", "optimiser")]
        yield f"| **`{name}`** | {' | '.join(parts)} | {cell(entry.summary)} |"


OTHERWISE = {"dataset": datasets, "metric": metrics, "section": sections, "experiment": experiments}


def page() -> str:
    """The page."""
    lines = [INTRODUCTION.rstrip()]
    for contract in CONTRACTS:
        table = OTHERWISE.get(contract, functools.partial(specifications, contract))()
        lines += ["", f"## {contract}", "", WHERE[contract], "", *table]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
