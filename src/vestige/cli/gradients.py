"""`vestige gradients`."""

import dataclasses
import errno
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from vestige.cli.parse import command_line, default_folder, simple
from vestige.errors import UsageError
from vestige.experiments.gradients import OBJECTIVES, GradientOptions, chosen
from vestige.registries import registry
from vestige.structures.specs import StructureSpec


@dataclasses.dataclass(frozen=True)
class GradientSettings:
    """Which estimators, and where the numbers go."""

    options: Annotated[GradientOptions, tyro.conf.arg(name="")] = dataclasses.field(default_factory=GradientOptions)
    estimators: str | None = None
    """Names with commas between them; by default all that are defined for the structure."""
    out: Path | None = None
    """The folder for numbers, picture and page; by default a new one under runs/."""


def main(arguments: list[str]) -> int:
    """Measure estimators on one structure: table, picture, page."""
    name, structure, settings = _parse(arguments)
    options = settings.options
    names = None if settings.estimators is None else [name.strip() for name in settings.estimators.split(",")]
    chosen(structure, options, names)
    folder = settings.out or default_folder(f"gradients-{name}-n{structure.n}", resume=False)
    _make(folder)
    from vestige.experiments.gradients.laboratory import laboratory
    from vestige.report.gradients import PICTURE, RESULTS, draw_gradients, write_gradients
    from vestige.report.gradients_verdict import gradients_verdict
    from vestige.runs.folder import write_json

    results = _results(name, structure, options, laboratory(structure, options, names))
    write_json(folder / RESULTS, results)
    _print(results)
    for sentence in (found := gradients_verdict(results)).sentence, *found.caveats:
        Console().print(sentence, markup=False, highlight=False)
    draw_gradients(results, folder / PICTURE)
    print(f"report: {write_gradients(results, folder)}")
    return 0


def _parse(arguments: list[str]) -> tuple[str, StructureSpec, GradientSettings]:
    structures = registry("structure")
    if not arguments or arguments[0].startswith("-"):
        listed = "\n".join(f"  {name:<14} {spec.summary}" for name, spec in structures.items())
        text = f"usage: vestige gradients STRUCTURE [options]\n\nstructures:\n{listed}"
        if arguments and arguments[0] in ("-h", "--help"):
            print(text + "\n\nvestige gradients STRUCTURE --help lists the options.")
            raise SystemExit(0)
        raise UsageError(f"which structure? vestige gradients STRUCTURE, one of {', '.join(structures)}")
    name, *rest = arguments
    structure = structures.find(name)
    description = (
        f"Bias, variance, time and memory of gradient estimators for {structure.summary}.\n\n"
        f"Estimators: {', '.join(registry('estimator'))}\n\nObjectives: {', '.join(OBJECTIVES)}"
    )
    fields = [
        ("structure", Annotated[type(structure), tyro.conf.arg(name="")], dataclasses.field(default=structure)),
        (
            "settings",
            Annotated[GradientSettings, tyro.conf.arg(name="")],
            dataclasses.field(default=GradientSettings()),
        ),
    ]
    parsed: Any = simple(f"gradients {name}", description, dataclasses.make_dataclass("Options", fields), rest)
    return name, parsed.structure, parsed.settings


def _make(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists. Choose another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is read-only" if error.errno in (errno.EROFS, errno.EACCES) else error.strerror
        raise UsageError(f"cannot make the folder {folder}: {reason}. Choose another --out.") from error


def _results(name: str, structure: StructureSpec, options: GradientOptions, found: Any) -> dict[str, Any]:
    import numpy as np

    from vestige.runs.folder import device, versions

    own, specs = dataclasses.asdict(structure), registry("estimator")
    size = ", ".join(f"{option} = {value}" for option, value in own.items())
    return {
        "structure": name,
        "title": f"{name}, {size}, {options.objective} objective, seed {options.seed}",
        "options": {**own, **dataclasses.asdict(options)},
        "log_rates": found.log_rates,
        "reference": {
            "words": str(found.reference),
            "gradient": found.reference.gradient.tolist(),
            "norm": float(np.linalg.norm(found.reference.gradient)),
            "error": found.reference.error,
            "traces": found.reference.traces,
        },
        "estimators": {
            estimator: {**quality._asdict(), "deviates": quality.deviates, "trained": specs[estimator].learns}
            for estimator, quality in found.estimators.items()
        },
        "left_out": found.left_out,
        "versions": versions(),
        "device": device(),
        "command": command_line(),
    }


def _print(results: dict[str, Any]) -> None:
    from vestige.cli.grid import Grid, print_grid
    from vestige.report.gradients import HEADINGS, explained, figures

    rows = [[name, *figures(quality)] for name, quality in results["estimators"].items()]
    print_grid(Grid(HEADINGS, rows, f"{results['title']}, on {results['device']}", "\n".join(explained(results))))
