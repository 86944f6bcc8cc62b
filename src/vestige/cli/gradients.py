"""`vestige gradients`."""

import dataclasses
import errno
from pathlib import Path
from typing import Annotated, Any

import tyro

from vestige.cli.parse import command_line, default_folder, simple
from vestige.errors import UsageError, nearest
from vestige.experiments.gradients import ESTIMATORS, OBJECTIVES, STRUCTURES, GradientOptions, chosen


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
    structure, settings = _parse(arguments)
    options = settings.options
    names = None if settings.estimators is None else [name.strip() for name in settings.estimators.split(",")]
    chosen(structure, options, names)
    folder = settings.out or default_folder(f"gradients-{structure}-n{options.n}", resume=False)
    _make(folder)
    from vestige.experiments.folder import write_json
    from vestige.experiments.gradients.laboratory import laboratory
    from vestige.report.gradients import PICTURE, RESULTS, draw_gradients, write_gradients

    results = _results(structure, options, laboratory(structure, options, names))
    write_json(folder / RESULTS, results)
    _print(results)
    draw_gradients(results, folder / PICTURE)
    print(f"report: {write_gradients(results, folder)}")
    return 0


def _parse(arguments: list[str]) -> tuple[str, GradientSettings]:
    if not arguments or arguments[0].startswith("-"):
        listed = "\n".join(f"  {name:<14} {kind.summary}" for name, kind in STRUCTURES.items())
        text = f"usage: vestige gradients STRUCTURE [options]\n\nstructures:\n{listed}"
        if arguments and arguments[0] in ("-h", "--help"):
            print(text + "\n\nvestige gradients STRUCTURE --help lists the options.")
            raise SystemExit(0)
        raise UsageError(f"which structure? {text}")
    structure, *rest = arguments
    if structure not in STRUCTURES:
        raise UsageError(f"unknown structure '{structure}'. {nearest(structure, STRUCTURES)}")
    description = (
        f"Bias, variance, time and memory of gradient estimators for {STRUCTURES[structure].summary}.\n\n"
        f"Estimators: {', '.join(ESTIMATORS)}\n\nObjectives: {', '.join(OBJECTIVES)}"
    )
    return structure, simple(f"gradients {structure}", description, GradientSettings, rest)


def _make(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists. Choose another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is read-only" if error.errno in (errno.EROFS, errno.EACCES) else error.strerror
        raise UsageError(f"cannot make the folder {folder}: {reason}. Choose another --out.") from error


def _results(structure: str, options: GradientOptions, found: Any) -> dict[str, Any]:
    import numpy as np

    from vestige.experiments.folder import device, versions

    told = dataclasses.asdict(options)
    size = f"n = {options.n}"
    if structure == "subset":
        told["k"] = options.subset_size
        size += f", k = {told['k']}"
    return {
        "structure": structure,
        "title": f"{structure}, {size}, {options.objective} objective, seed {options.seed}",
        "options": told,
        "log_rates": found.log_rates,
        "reference": {
            "words": str(found.reference),
            "gradient": found.reference.gradient.tolist(),
            "norm": float(np.linalg.norm(found.reference.gradient)),
            "error": found.reference.error,
            "traces": found.reference.traces,
        },
        "estimators": {
            name: {**quality._asdict(), "deviates": quality.deviates, "trained": ESTIMATORS[name].trained}
            for name, quality in found.estimators.items()
        },
        "left_out": found.left_out,
        "versions": versions(),
        "device": device(),
        "command": command_line(),
    }


def _print(results: dict[str, Any]) -> None:
    from rich.console import Console

    from vestige.cli.tables import plain_table
    from vestige.report.gradients import HEADINGS, explained, figures

    table = plain_table(f"{results['title']}, on {results['device']}", "\n".join(explained(results)))
    table.padding, table.show_edge = (0, 0), False
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if place else "left", no_wrap=not place)
    for name, quality in results["estimators"].items():
        table.add_row(name, *figures(quality))
    Console().print(table)
