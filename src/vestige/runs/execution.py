"""One run of the catalogue, from options to a finished folder."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Components, Experiment
from vestige.models.temporal import count_parameters
from vestige.runs.announcing import announcement
from vestige.runs.config import RunConfig, describe
from vestige.runs.continuing import Wanted, finished, settle
from vestige.runs.data_identity import DataInUse, check_unchanged, present
from vestige.runs.early_stopping import early_stopping
from vestige.runs.evaluate import evaluate, write_evaluation
from vestige.runs.folder import CHECKPOINTS, CONFIG, EVALUATION, LOG, SO_FAR, make, need_free
from vestige.runs.following import announced, check_alike, check_folder, check_same_data
from vestige.runs.inheriting import Weights, begun_with, weights_of
from vestige.runs.uses import uses_of
from vestige.storage.digests import digest_of_file
from vestige.storage.durable import sweep
from vestige.storage.fitted import write_fitted
from vestige.storage.locking import FolderLock, refuse_if_held
from vestige.storage.results import RESULTS, write_results
from vestige.training import AbstractCallback, Cadence, Checkpoints, Fit, Run, fit
from vestige.training.external.naming import check_sinks, external_sinks
from vestige.training.measure import peak_resident_bytes
from vestige.training.progress import AbstractProgress, Logged, Silent, ending
from vestige.training.refusal import Refused, refusals
from vestige.training.team import AbstractTeam, Alone


def execute(
    entry: Entry,
    experiment: Experiment,
    *,
    preset: str,
    seed: int,
    folder: Path,
    command: str,
    resume: bool = False,
    longer: bool = False,
    init_from: Path | None = None,
    skip_nonfinite: bool = False,
    mesh: Mesh | None = None,
    patience: float = 0.0,
    progress: Callable[[], AbstractProgress] | None = None,
    sinks: Sequence[str] = (),
    callbacks: Sequence[AbstractCallback] = (),
    team: AbstractTeam | None = None,
) -> dict[str, Any]:
    """Train, evaluate, and fill the run folder; with `resume` go on where it stopped, or return at once
    where it is finished. While it writes, nobody else may: the folder is locked.

    **Arguments:**

    - `entry`, `experiment`, `preset`, `seed`: the run.
    - `folder`: where it is kept. `command`: how it was started, for its configuration.
    - `resume`: go on with what is there. What is damaged is set aside, with a notice.
    - `longer`: with `resume`, a run of fewer updates is made longer, where its optimiser allows that.
    - `init_from`: the folder of a run with whose weights this one begins.
    - `skip_nonfinite`, `mesh`, `progress`: as for `fit`.
    - `patience`: seconds to wait for a process that is about to leave the folder.
    - `sinks`: names of other programs that receive the log, such as "mlflow".
    - `callbacks`: as for `fit`.
    - `team`: the processes that make the run together, by default this one alone. All call this with the same
      arguments; the leader writes, evaluates and shows progress, the others train along.

    **Returns:** what `results.json` holds.

    **Raises:** `UsageError`, `RunError`, `Interrupted` as `fit` and `FolderLock` do; `UsageError` where the folder
    exists (without `resume`) or holds another run, or the weights do not fit.
    """
    check_sinks(sinks)
    early_stopping(experiment)
    team = Alone() if team is None else team
    check_alike(team, entry, experiment, seed=seed, more={"resume": resume, "skip_nonfinite": skip_nonfinite})
    if not team.leads:
        return _followed(team, experiment, seed=seed, folder=folder, skip_nonfinite=skip_nonfinite)
    shown = Logged() if progress is None else progress()
    with ending(shown):
        return _executed(
            Wanted(entry, experiment, seed, {}, resume, longer),
            preset=preset,
            folder=folder,
            command=command,
            init_from=init_from,
            skip_nonfinite=skip_nonfinite,
            mesh=mesh,
            patience=patience,
            shown=shown,
            sinks=sinks,
            callbacks=callbacks,
            team=team,
        )


def _executed(
    wanted: Wanted,
    *,
    preset: str,
    folder: Path,
    command: str,
    init_from: Path | None,
    skip_nonfinite: bool,
    mesh: Mesh | None,
    patience: float,
    shown: AbstractProgress,
    sinks: Sequence[str],
    callbacks: Sequence[AbstractCallback],
    team: AbstractTeam,
) -> dict[str, Any]:
    """`execute` in the leader, with a display that its caller ends."""
    entry, experiment, seed, _, resume, _ = wanted
    config = describe(entry, experiment, preset=preset, seed=seed, command=command)
    begun = begun_with(folder, init_from, resume=resume)
    weights = begun if isinstance(begun, Weights) else None
    if begun is not None:
        config["init_from"] = (begun.origin if isinstance(begun, Weights) else begun)._asdict()
    wanted = wanted._replace(config=config)
    if (done := finished(folder, wanted)) is not None:
        check_unchanged(folder, present(experiment.task, folder=folder))
        return announced(team, {"results": done})["results"]
    need_free(folder, resume=resume)
    if not patience:
        refuse_if_held(folder)
    shown.phase("loading")
    data = DataInUse.of(experiment.task, folder=folder)
    built = constructed(experiment, seed=seed)
    check_sizes(experiment, built)
    if weights is not None:
        built = built._replace(model=weights.into(built.model))
    config["parameters"], config["data"] = count_parameters(built.model), data.records()
    for line in announcement(config, folder):
        shown.note(line)
    make(folder)
    with FolderLock(folder, notice=shown.note, patience=patience) as lock:
        sweep(folder)
        run = settle(folder, wanted, shown.note)
        write_fitted(folder, built.fitted)
        if (done := finished(folder, wanted)) is not None:  # by the one that was waited for
            return announced(team, {"results": done})["results"]
        announced(team, {"identity": run.identity, "earlier": list(run.earlier)})
        how = {"skip_nonfinite": skip_nonfinite, "mesh": mesh, "shown": shown, "sinks": sinks}
        return _performed(run, built, wanted, weights, lock, data, **how, callbacks=callbacks, team=team)


def _performed(
    run: RunConfig,
    built: Components,
    wanted: Wanted,
    weights: Weights | None,
    lock: FolderLock,
    data: DataInUse,
    *,
    skip_nonfinite: bool,
    mesh: Mesh | None,
    shown: AbstractProgress,
    sinks: Sequence[str],
    callbacks: Sequence[AbstractCallback],
    team: AbstractTeam,
) -> dict[str, Any]:
    """Train, evaluate and write the results of a run whose folder is settled."""
    entry, experiment, config, folder = wanted.entry, wanted.experiment, wanted.config, lock.folder
    if run.origin is not None and weights is None and not Checkpoints(folder / CHECKPOINTS, fingerprint="").any_sound():
        weights = weights_of(Path(run.origin.folder), only=run.origin)
        built = built._replace(model=weights.into(built.model))
    for notice in weights.notices if weights is not None else []:
        shown.note(notice)
    result = _trained(
        built,
        experiment,
        Run(folder, fingerprint=run.identity, also=run.earlier, lock=lock),
        data,
        mesh=mesh,
        skip_nonfinite=skip_nonfinite,
        progress=shown,
        sinks=external_sinks(sinks, folder, config),
        callbacks=callbacks,
        team=team,
    )
    peak = peak_resident_bytes()  # of training alone
    if (changed := data.changed()) is not None:
        shown.note(changed)
    parts = lambda done, total: shown.phase("evaluating", done=done, total=total)
    results, arrays = evaluate(entry, experiment, built, result.model, parts=parts)
    shown.phase("writing")
    results |= {
        "seconds": round(result.seconds, 1),
        "first_update_seconds": round(result.first_update_seconds, 2),
        "milliseconds": round(1e3 * result.update_seconds, 3),
        "peak_rss_bytes": peak,
        "updates": int(result.state.step),
        **({"stopped": result.stopped} if result.stopped else {}),
        "skipped": int(result.state.skipped),
        "parameters": config["parameters"],
        "uses": uses_of(experiment, built.task, result.model, arrays),
        "command": config["command"],
        "versions": config["versions"],
        "device": config["device"],
        "seed": wanted.seed,
    }
    lock.check()
    write_evaluation(folder / EVALUATION, arrays)
    sealed = {name: digest_of_file(folder / name) for name in (CONFIG, LOG, EVALUATION) if (folder / name).is_file()}
    written = write_results(folder / RESULTS, {**results, "files": sealed})
    if os.path.lexists(folder / SO_FAR):
        (folder / SO_FAR).unlink()
    return announced(team, {"results": written})["results"]


def _trained(
    built: Components, experiment: Experiment, run: Run, data: DataInUse, *, team: AbstractTeam, **how: Any
) -> Fit:
    """`fit`, as the experiment has it: the same in every process."""
    check_same_data(team, data)
    check_folder(team, run.folder)
    cadence = Cadence(
        log_every=max(experiment.steps // 100, 1),
        checkpoint_every=max(experiment.steps // 10, 1),
        evaluate_every=max(experiment.steps // experiment.num_evals, 1),
        evaluation_size=experiment.eval_size,
    )
    try:
        return fit(
            built.model,
            built.task,
            rule=experiment.trained_by(built.rule),
            optimiser=built.optimiser,
            steps=experiment.steps,
            key=built.key,
            batch_size=experiment.batch_size,
            run=run,
            cadence=cadence,
            stopping=early_stopping(experiment),
            team=team,
            **how,
        )
    except Refused as error:
        raise UsageError(str(error)) from error


def _followed(
    team: AbstractTeam, experiment: Experiment, *, seed: int, folder: Path, skip_nonfinite: bool
) -> dict[str, Any]:
    """`execute` in a process that follows. The weights are those of the leader, and so is what is in the folder."""
    data = DataInUse.of(experiment.task, folder=folder)
    built = constructed(experiment, seed=seed)
    check_sizes(experiment, built)
    begun = announced(team, {})
    if "results" not in begun:
        run = Run(folder, fingerprint=begun["identity"], also=tuple(begun["earlier"]))
        _trained(built, experiment, run, data, skip_nonfinite=skip_nonfinite, progress=Silent(), team=team)
        begun = announced(team, {})
    return begun["results"]


def constructed(
    experiment: Experiment, *, seed: int, fitted: Mapping[str, Any] | None = None, outline: bool = False
) -> Components:
    """`experiment.build`, with sizes that do not fit reported as the user's.

    **Arguments:**

    - `experiment`: to be built.
    - `seed`, `fitted`, `outline`: as `Experiment.build` takes them.

    **Returns:** what the run is made of.

    **Raises:** `UsageError` for what a check refuses; a fault of ours, or of a part of somebody's, stays what it is.
    """
    try:
        with refusals(experiment.task, experiment.model, experiment.rule, experiment.optimiser):
            return experiment.build(seed=seed, fitted=fitted, outline=outline)
    except Refused as error:
        raise UsageError(str(error)) from error


def check_sizes(experiment: Experiment, built: Components) -> None:
    """**Raises:** `UsageError` where the data of `built` are too few for the sizes of `experiment`."""
    try:
        with refusals(experiment.task):
            built.task.check_sizes(batch_size=experiment.batch_size, eval_size=experiment.eval_size)
    except Refused as error:
        raise UsageError(str(error)) from error
