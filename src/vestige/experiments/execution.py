"""One run of the catalogue, from options to a finished folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from vestige.errors import UsageError
from vestige.experiments.config import describe, recorded
from vestige.experiments.data_identity import DataInUse, check_unchanged, file_options, present, write_fitted
from vestige.experiments.entry import Entry
from vestige.experiments.evaluate import evaluate, write_evaluation
from vestige.experiments.experiment import Components, Experiment
from vestige.experiments.folder import RESULTS, prepare, read_json, write_json
from vestige.models.temporal import count_parameters
from vestige.plain import options_of
from vestige.training import Cadence, Run, fit
from vestige.training.measure import peak_resident_bytes
from vestige.training.progress import AbstractProgress, Silent
from vestige.training.refusal import Refused, refusals


def execute(
    entry: Entry,
    experiment: Experiment,
    *,
    preset: str,
    seed: int,
    folder: Path,
    command: str,
    resume: bool = False,
    skip_nonfinite: bool = False,
    mesh: Mesh | None = None,
    progress: Callable[[], AbstractProgress] | None = None,
) -> dict[str, Any]:
    """Train, evaluate, and fill the run folder; with `resume` go on where it stopped, or return at once
    where it is finished.

    **Returns:** what `results.json` holds.

    **Raises:** `UsageError`, `RunError`, `Interrupted` as `fit` and `prepare` do.
    """
    config = describe(entry, experiment, preset=preset, seed=seed, command=command)
    if resume and (folder / RESULTS).exists():
        check_same(folder, entry, experiment, seed)
        check_unchanged(folder, present(experiment.task, folder=folder))
        return read_json(folder / RESULTS)
    data = DataInUse.of(experiment.task, folder=folder)
    built = constructed(experiment, seed=seed)
    check_sizes(experiment, built)
    config["parameters"], config["data"] = count_parameters(built.model), data.records()
    if not prepare(folder, config, resume=resume):
        check_same(folder, entry, experiment, seed)
        check_unchanged(folder, config["data"])
    write_fitted(folder, built.fitted)
    cadence = Cadence(
        log_every=max(experiment.steps // 100, 1),
        checkpoint_every=max(experiment.steps // 10, 1),
        evaluate_every=max(experiment.steps // experiment.num_evals, 1),
        evaluation_size=experiment.eval_size,
    )
    shown = Silent() if progress is None else progress()
    try:
        result = fit(
            built.model,
            built.task,
            rule=built.rule,
            optimiser=built.optimiser,
            steps=experiment.steps,
            key=built.key,
            batch_size=experiment.batch_size,
            run=Run(folder, fingerprint=recorded(folder).identity),
            cadence=cadence,
            mesh=mesh,
            skip_nonfinite=skip_nonfinite,
            progress=shown,
        )
    except Refused as error:
        raise UsageError(str(error)) from error
    peak = peak_resident_bytes()  # of training alone
    shown.note("trained; evaluating what was learned")
    if (changed := data.changed()) is not None:
        shown.note(changed)
    results, arrays = evaluate(entry, experiment, built, result.model)
    results |= {
        "seconds": round(result.seconds, 1),
        "first_update_seconds": round(result.first_update_seconds, 2),
        "milliseconds": round(1e3 * result.update_seconds, 3),
        "peak_rss_bytes": peak,
        "updates": experiment.steps,
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


def constructed(experiment: Experiment, *, seed: int, fitted: Mapping[str, Any] | None = None) -> Components:
    """`experiment.build` with `seed` and `fitted`, with sizes that do not fit reported as the user's.

    **Raises:** `UsageError` for what a check refuses; a fault of ours, or of a part of somebody's, stays what it is.
    """
    try:
        with refusals(experiment.task, experiment.model, experiment.rule, experiment.optimiser):
            return experiment.build(seed=seed, fitted=fitted)
    except Refused as error:
        raise UsageError(str(error)) from error


def check_sizes(experiment: Experiment, built: Components) -> None:
    """**Raises:** `UsageError` where the data of `built` are too few for the sizes of `experiment`."""
    try:
        with refusals(experiment.task):
            built.task.check_sizes(batch_size=experiment.batch_size, eval_size=experiment.eval_size)
    except Refused as error:
        raise UsageError(str(error)) from error


def check_same(folder: Path, entry: Entry, experiment: Experiment, seed: int) -> None:
    """**Raises:** `UsageError` where the folder holds another run, with the options that differ. Where files lie does
    not matter: what they hold does, which `check_unchanged` compares."""
    there = recorded(folder)
    old, new = (
        {"experiment": name, "seed": number, **options_of(options)}
        for name, number, options in ((there.entry.name, there.seed, there.experiment), (entry.name, seed, experiment))
    )
    moved = file_options(folder, experiment.task)
    differing = [
        f"{name}: there {old.get(name, 'absent')}, here {new.get(name, 'absent')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name not in moved
    ]
    if differing:
        raise UsageError(f"{folder} holds a run with another configuration:\n  " + "\n  ".join(differing[:8]))
