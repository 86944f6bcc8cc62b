"""What is in a run's folder when the run begins or goes on, and what is to be done with it."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.plain import options_of, to_plain
from vestige.runs.config import RunConfig, recorded
from vestige.runs.data_identity import check_unchanged, file_options
from vestige.runs.folder import CHECKPOINTS, CONFIG, EVALUATION, LOG, prepare, read_options
from vestige.storage.config import write_config
from vestige.storage.digests import digest_of_file
from vestige.storage.durable import DamagedFile, set_aside
from vestige.storage.results import RESULTS, read_results


class Wanted(NamedTuple):
    """The run that is to be in a folder."""

    entry: Entry
    experiment: Experiment
    seed: int
    config: dict[str, Any]
    """What its `config.yaml` holds."""
    resume: bool
    longer: bool
    """Whether the number of updates was given on purpose, so that a shorter run may be made longer."""


def settle(folder: Path, wanted: Wanted, notice: Callable[[str], None]) -> RunConfig:
    """Make `folder` that of the run that is `wanted`, for the one who holds its lock.

    A new run gets its `config.yaml`. With `resume` a configuration that is damaged is set aside and written anew,
    from the options of the command (checkpoints say whether they are those of the run), and a run of fewer updates is
    made longer.

    **Arguments:**

    - `folder`: of the run, which may be empty.
    - `wanted`: what is to be in it.
    - `notice`: receives one sentence for everything that was set aside or changed.

    **Returns:** the run as it is recorded now.

    **Raises:** `UsageError` where the folder exists (without `resume`), holds another run, or cannot be made.
    """
    if not prepare(folder, wanted.config, resume=wanted.resume):
        _mend_config(folder, wanted, notice)
        check_same(folder, wanted)
        check_unchanged(folder, wanted.config["data"])
        _lengthen(folder, wanted, notice)
        if why := _unfit_results(folder, wanted.experiment.steps):
            notice(why)
    return recorded(folder)


def finished(folder: Path, wanted: Wanted) -> dict[str, Any] | None:
    """The results of a run that has come to its end.

    **Arguments:**

    - `folder`: of the run.
    - `wanted`: the run.

    **Returns:** the results; None where it has not.

    **Raises:** `UsageError` where the folder holds another run.
    """
    if not wanted.resume or not all((folder / name).is_file() for name in (RESULTS, CONFIG)):
        return None
    try:
        read_options(folder)
        results = read_results(folder / RESULTS)
    except DamagedFile:
        return None
    check_same(folder, wanted)
    if recorded(folder).experiment.steps != wanted.experiment.steps:
        return None
    if not _complete(results, wanted.experiment.steps):
        return None
    return None if _changed(folder, results) else results


def check_same(folder: Path, wanted: Wanted) -> None:
    """Check that a folder holds the run that is wanted.

    The number of updates may be another one where the run may be made longer. Where files lie does not matter: what
    they hold does, which `check_unchanged` compares.

    **Arguments:**

    - `folder`: of a run.
    - `wanted`: the run.

    **Raises:** `UsageError` where the folder holds another run, with the options that differ.
    """
    there = recorded(folder)
    old, new = (
        {"experiment": name, "seed": number, **options_of(options)}
        for name, number, options in (
            (there.entry.name, there.seed, there.experiment),
            (wanted.entry.name, wanted.seed, wanted.experiment),
        )
    )
    if origin := wanted.config.get("init_from"):
        begun = there.origin._asdict() if there.origin else {}
        old["init_from"], new["init_from"] = begun.get("digest", "nothing"), origin["digest"]
    moved = file_options(folder, wanted.experiment.task)
    differing = [
        f"{name}: there {old.get(name, 'absent')}, here {new.get(name, 'absent')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name not in moved
    ]
    if not differing:
        return
    text = f"{folder} holds a run with another configuration:\n  " + "\n  ".join(differing[:8])
    if not all(line.startswith("steps: ") for line in differing):
        raise UsageError(text)
    less, more = there.experiment.steps, wanted.experiment.steps
    if not wanted.longer:
        raise UsageError(f"{text}\nGive --steps {less} to go on with it, or more to make it longer.")
    if more < less:
        raise UsageError(f"{text}\nA run can be made longer, not shorter.")
    if why := wanted.experiment.optimiser.bound_to(less, more, rule=wanted.experiment.rule):
        raise UsageError(
            f"--steps {more}: the run in {folder} cannot be made longer than its {less} updates, for {why}: a longer "
            "run is another one from its first update on. Start one with its weights by "
            f"--init-from {folder}, or train with an optimiser whose rate does not depend on the number of updates, "
            "such as --optimiser.decay constant."
        )


def _mend_config(folder: Path, wanted: Wanted, notice: Callable[[str], None]) -> None:
    path = folder / CONFIG
    try:
        read_options(folder)
        return
    except DamagedFile as error:
        said = f"{error}; set aside as {set_aside(path).name}"
    except UsageError:
        if os.path.lexists(path) or not any((folder / name).exists() for name in (CHECKPOINTS, LOG)):
            raise
        said = f"{path} is missing"
    write_config(folder, wanted.config)
    notice(f"{said}; written anew from the options of this command")


def _lengthen(folder: Path, wanted: Wanted, notice: Callable[[str], None]) -> None:
    there = recorded(folder)
    if there.experiment.steps == wanted.experiment.steps:
        return
    config = read_options(folder)
    longer = dataclasses.replace(there.experiment, steps=wanted.experiment.steps)
    config |= {"options": to_plain(longer), "all_options": options_of(longer), "schema": wanted.config["schema"]}
    write_config(folder, {**config, "extended": [*there.earlier, there.identity]})
    notice(f"the run is made longer: {wanted.experiment.steps} updates instead of {there.experiment.steps}")


def _complete(results: dict[str, Any], steps: int) -> bool:
    """Whether results are those of a run of so many `steps`, or of one that stopped early."""
    updates = results.get("updates", steps)
    return updates == steps or ("stopped" in results and updates < steps)


def _unfit_results(folder: Path, steps: int) -> str:
    """Set aside results that are damaged, or of another number of `steps`; a sentence that says so, empty otherwise."""
    path = folder / RESULTS
    if not os.path.lexists(path):
        return ""
    try:
        results = read_results(path)
    except DamagedFile as error:
        return f"{error}; set aside as {set_aside(path).name}, to be made again from the newest checkpoint"
    updates, changed = results.get("updates", steps), _changed(folder, results)
    if _complete(results, steps) and not changed:
        return ""
    if _complete(results, steps):
        if os.path.lexists(folder / EVALUATION) and EVALUATION in changed:
            set_aside(folder / EVALUATION)
        names = " and ".join(str(folder / name) for name in changed)
        return f"{names} changed since {RESULTS} was written; it is set aside as {set_aside(path).name} and made again"
    word = f"after-{updates}"
    aside = set_aside(path, word=word)
    if (folder / EVALUATION).exists():
        set_aside(folder / EVALUATION, word=word)
    return f"the results after {updates} updates are kept as {aside.name}"


def _changed(folder: Path, results: dict[str, Any]) -> list[str]:
    """The files that are not those of these results, by the digests that they hold."""
    sealed = results.get("files", {})
    return [name for name in (CONFIG, LOG, EVALUATION) if name in sealed and _digest(folder / name) != sealed[name]]


def _digest(path: Path) -> str:
    return digest_of_file(path) if path.is_file() else ""
