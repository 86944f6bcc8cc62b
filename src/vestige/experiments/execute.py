"""One run of the catalogue, from options to a finished folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from vestige.errors import RunError, UsageError
from vestige.experiments.build import Built, build
from vestige.experiments.catalogue import Entry, find
from vestige.experiments.folder import (
    CONFIG,
    EVALUATION,
    RESULTS,
    device,
    fingerprint,
    prepare,
    read_config,
    read_json,
    versions,
    write_json,
)
from vestige.experiments.options import Recall
from vestige.experiments.portrait import importance_gap, portrait
from vestige.experiments.serial import from_plain, to_plain
from vestige.models.temporal import count_parameters
from vestige.training import Cadence, Checkpoints, Run, fit
from vestige.training.evaluation import evaluate_many, scalars
from vestige.training.progress import AbstractProgress
from vestige.training.state import start

EVALUATION_SIZE = 256  # sequences per evaluation
FINAL_REPEATS = 8  # evaluations behind the final metrics


def describe(entry: Entry, options: Recall, *, preset: str, seed: int, command: str) -> dict[str, Any]:
    """What `config.yaml` holds: everything needed to repeat the run."""
    return {
        "experiment": entry.name,
        "title": entry.title,
        "preset": preset,
        "seed": seed,
        "options": to_plain(options),
        "command": command,
        "versions": versions(),
        "device": device(),
    }


def evaluate(entry: Entry, options: Recall, built: Built, model: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Final metrics with published numbers and bounds beside them, and the arrays for the report."""
    key = jax.random.fold_in(built.key, 1)
    held_out = evaluate_many(built.task, model, EVALUATION_SIZE, FINAL_REPEATS, key=key)
    seen = evaluate_many(built.task.on_training_images(), model, EVALUATION_SIZE, FINAL_REPEATS, key=key)
    metrics = scalars(held_out)
    metrics["negative_iw_bound"] = metrics["negative_bound"] - float(importance_gap(built.task, model, key=key))
    results = {
        "metrics": metrics,
        "metrics_train": scalars(seen),
        "published": entry.published(options),
        "bounds": built.task.bounds(held_out),
    }
    curves = {name: np.asarray(value) for name, value in held_out.items() if np.ndim(value)}
    return results, {**curves, **portrait(built.task, model, key=key)}


def write_evaluation(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write `evaluation.npz` whole or not at all. **Raises:** `RunError` where that fails."""
    partial = folder / (EVALUATION + ".partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
        os.replace(partial, folder / EVALUATION)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(f"cannot write {folder / EVALUATION}: {error.strerror}") from error


def construct(options: Recall, seed: int) -> Built:
    """`build`, with sizes that do not fit reported as the user's."""
    try:
        return build(options, seed=seed)
    except ValueError as error:
        raise UsageError(str(error)) from error


class Restored(NamedTuple):
    """A run as it lies on the disk, made into objects again."""

    entry: Entry
    options: Recall
    built: Built
    model: Any
    step: int
    notices: list[str]
    """One sentence for each damaged checkpoint that was passed over."""


def restore(folder: Path) -> Restored:
    """The run in `folder` at its newest sound checkpoint.

    **Raises:** `UsageError` where it is no run folder or has no sound checkpoint.
    """
    config = read_config(folder)
    entry = find(str(config.get("experiment")))
    options = from_plain(Recall, config["options"], where=str(folder / CONFIG))
    seed = int(config["seed"])
    built = construct(options, seed)
    template = start(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        batch_size=options.batch,
        key=built.key,
    )
    checkpoints = Checkpoints(folder / "checkpoints", fingerprint=_identity(entry, options, seed))
    state, step, notices = checkpoints.restore(template)
    if step is None:
        raise UsageError("\n".join([f"{folder} has no checkpoint that can be read", *notices]))
    return Restored(entry, options, built, state.model, step, notices)


def picture_so_far(folder: Path) -> list[str]:
    """Write `evaluation.npz` of a run that is still going, from its newest checkpoint.

    **Returns:** a sentence for each damaged checkpoint that was passed over.
    """
    run = restore(folder)
    write_evaluation(folder, evaluate(run.entry, run.options, run.built, run.model)[1])
    return run.notices


def _identity(entry: Entry, options: Recall, seed: int) -> str:
    return fingerprint(entry.name, to_plain(options), seed)


def execute(
    entry: Entry,
    options: Recall,
    *,
    preset: str,
    seed: int,
    folder: Path,
    command: str,
    resume: bool = False,
    skip_nonfinite: bool = False,
    mesh: Mesh | None = None,
    progress: Callable[[], AbstractProgress],
) -> dict[str, Any]:
    """Train, evaluate, and fill the run folder; with `resume` go on where it stopped, or return at once
    where it is finished.

    **Returns:** what `results.json` holds.

    **Raises:** `UsageError`, `RunError`, `Interrupted` as `fit` and `prepare` do.
    """
    config = describe(entry, options, preset=preset, seed=seed, command=command)
    if resume and (folder / RESULTS).exists():
        prepare(folder, config, resume=True)
        return read_json(folder / RESULTS)
    built = construct(options, seed)
    config["parameters"] = count_parameters(built.model)
    prepare(folder, config, resume=resume)
    cadence = Cadence(
        log_every=max(options.steps // 100, 1),
        checkpoint_every=max(options.steps // 10, 1),
        evaluate_every=max(options.steps // 30, 1),
        evaluation_size=EVALUATION_SIZE,
    )
    try:
        result = fit(
            built.model,
            built.task,
            rule=built.rule,
            optimiser=built.optimiser,
            steps=options.steps,
            key=built.key,
            batch_size=options.batch,
            run=Run(folder, fingerprint=_identity(entry, options, seed)),
            cadence=cadence,
            mesh=mesh,
            skip_nonfinite=skip_nonfinite,
            progress=progress(),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    results, arrays = evaluate(entry, options, built, result.model)
    results |= {
        "seconds": round(result.seconds, 1),
        "first_update_seconds": round(result.first_update_seconds, 2),
        "updates": options.steps,
        "skipped": int(result.state.skipped),
        "parameters": config["parameters"],
        "command": command,
        "versions": config["versions"],
        "device": config["device"],
        "seed": seed,
    }
    write_evaluation(folder, arrays)
    write_json(folder / RESULTS, results)
    return results
