"""From a user's table to a trained run, and whether it was worth it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.config import recorded
from vestige.runs.execution import execute
from vestige.runs.fit_columns import chosen_columns
from vestige.runs.fit_plan import planned
from vestige.runs.folder import CONFIG, need_free
from vestige.runs.restoring import load
from vestige.storage.durable import DamagedFile
from vestige.storage.fit_file import read_fit, write_fit
from vestige.tasks.filtering.comparing import Compared, compared
from vestige.tasks.filtering.custom_data import CustomRecordings
from vestige.tasks.filtering.seasons import season_of

ENTRY, PRESET = "recordings", "small"
KINDS = ("auto", "recordings", "stream", "labelled", "frames")
WAYS: Mapping[str, str] = {
    "stream": "vestige run stream --task.train and --task.held-out take Parquet, Zarr or folders of .npy files",
    "labelled": "labelled tables cannot be learned yet; scikit-learn's LogisticRegression can",
    "frames": "films cannot be learned yet; write each frame as a row of an .npy file, and take --as recordings",
}
"""What would work in place of what cannot be fitted yet."""
NEAR = 0.01
"""Errors that differ by less are as good as each other."""


@dataclass(frozen=True)
class Fitted:
    """What became of a table.

    - `folder`: the run, an ordinary one.
    - `why`: sentences on what was chosen.
    - `compared`: plain values; who predicts the held-out part how well (`error`: squared, summed over the channels, in
      units of the variances of the training; `rmse`: of each channel, in units of the file). The first is the model.
    - `steps`: how many steps were predicted.
    - `sentence`: whether it was worth it.
    """

    folder: Path
    why: tuple[str, ...]
    compared: dict[str, dict[str, Any]]
    steps: int
    sentence: str

    def as_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "folder": str(self.folder),
            "why": list(self.why),
            "steps": self.steps,
            "compared": self.compared,
            "sentence": self.sentence,
        }


def fit_table(
    source: str | Path,
    folder: str | Path,
    *,
    kind: str = "auto",
    inputs: str | None = None,
    outcomes: str | None = None,
    document: str | None = None,
    ignored: str | None = None,
    time: str | None = None,
    kinds: Mapping[str, str] | None = None,
    reading: ReadOptions = ReadOptions(),
    held_out: float = 0.2,
    steps: int | None = None,
    season: int | None = None,
    seed: int = 0,
    resume: bool = False,
    command: str = "vestige.fit_table",
    progress: Callable[[], Any] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Fitted:
    """Train a model on a table, and compare it with those who need no training, as `vestige fit` does.

    Model, sizes and updates are chosen on the training part of the file. The run is an ordinary one of the experiment
    `recordings`: `evaluate`, `predict`, `score` and `report` read it.

    **Arguments:**

    - `source`: a file that `vestige.data.open` reads.
    - `folder`: where the run is kept.
    - `kind`: what the table is taken for: `recordings`, or `auto`, which refuses labelled tables.
    - `inputs`, `outcomes`, `document`, `ignored`: columns, names with commas between them: what is observed and
      predicted, read out of states, distinguishes recordings, has no use. None: as the schema suggests.
    - `time`, `kinds`: the column of times, which is not predicted; name -> kind of columns. None: as suggested.
    - `reading`: how the file is read.
    - `held_out`: the last share of each recording, on which the model is compared.
    - `steps`: updates at most.
    - `season`: in steps; None: it is looked for.
    - `seed`: of the run.
    - `resume`: go on with what is in the folder.
    - `command`: how it was started, for the run's configuration.
    - `progress`, `note`: of the training; receives what goes on.

    **Returns:** what became of it.

    **Raises:** `UsageError` where the table cannot be fitted, with what would work; then nothing is written. `RunError`
    and `Interrupted` as `fit`.
    """
    source, folder = Path(source), Path(folder)
    _check(source, kind, held_out, steps, season)
    need_free(folder, resume=resume)
    if resume and (folder / CONFIG).is_file():
        plan, why = _before(folder, source)
    else:
        columns = chosen_columns(
            source,
            inputs=inputs,
            outcomes=outcomes,
            document=document,
            ignored=ignored,
            labels=kind == "recordings",
            time=time,
            kinds=kinds,
            reading=reading,
        )
        settings = {"held_out": held_out, "steps": steps, "season": season, "seed": seed}
        chosen = planned(source, columns, **settings, reading=reading, note=note)
        plan = chosen.experiment
        why = (f"Taken for recordings: {columns.summary}.", *columns.notes, *chosen.why, _sizes(plan))
    for sentence in why:
        note(sentence)
    entry = registry("experiment").find(ENTRY)
    options = {"preset": PRESET, "seed": seed, "folder": folder, "command": command, "resume": resume}
    execute(entry, plan, **options, progress=progress)
    note("comparing with baselines")
    return _compared(folder, why, season)


def _check(source: Path, kind: str, held_out: float, steps: int | None, season: int | None) -> None:
    if kind not in KINDS:
        raise UsageError(f"as must be one of {', '.join(KINDS)}, got {kind}")
    if kind in WAYS:
        raise UsageError(f"{source}: fit takes tables for recordings so far, not for {kind}: {WAYS[kind]}")
    if not 0 < held_out < 1:
        raise UsageError(f"held-out must be in (0, 1), such as 0.2, got {held_out:g}")
    for name, value, least in (("steps", steps, 1), ("season", season, 2)):
        if value is not None and value < least:
            raise UsageError(f"{name} must be at least {least}, got {value}")


def _before(folder: Path, source: Path) -> tuple[Experiment, tuple[str, ...]]:
    """The run that is in a folder already, and why it is as it is."""
    there = recorded(folder).experiment
    if (path := getattr(there.task, "path", "other data")) != str(source):
        raise UsageError(f"{folder} holds a run on {path}, not on {source}; choose another --out")
    try:
        found = read_fit(folder)
    except DamagedFile:  # it is made again
        found = None
    return there, tuple(found["why"]) if found else (f"As it was chosen when the run in {folder} began.",)


def _sizes(experiment: Experiment) -> str:
    length = getattr(experiment.task, "length", 0)
    return f"{experiment.steps:,} updates of {experiment.batch_size:,} windows of {length:,} steps."


def _compared(folder: Path, why: tuple[str, ...], season: int | None) -> Fitted:
    run = load(folder)
    task = run.components.task
    assert isinstance(task, CustomRecordings)
    if season is None:
        season = season_of(np.asarray(task.train.frames, np.float64), np.asarray(task.train.starts))
    found = compared(task, run.model, season=season)
    fitted = Fitted(folder, why, found.as_plain(), found.steps, sentence_of(found))
    write_fit(folder, fitted.as_plain() | {"update": run.step, "season": season})
    return fitted


def sentence_of(found: Compared) -> str:
    """Whether the model was worth it, in one sentence.

    **Arguments:**

    - `found`: the errors.
    """
    error, other = found.error("model"), found.best_other()
    best, last = found.error(other), found.error("last value")
    beside = "" if other == "last value" or not last > 0 else f", and the last value's by {1 - error / last:.0%}"
    if not error < float("inf"):
        return "Not worth it: the model's predictions are not finite; report this, with the file if you can."
    if best == 0:
        return f"Not worth it: the {found.said[other]} predicts the held-out part without any error."
    ratio = error / best
    who = f"the {found.said[other]}" if not found.said[other].startswith("the ") else found.said[other]
    if ratio < 1 - NEAR:
        return (
            f"Worth it: the model's squared error undercuts that of {who}, the best without it, by {1 - ratio:.0%}"
            f"{beside}."
        )
    if ratio <= 1 + NEAR:
        beside = f"which needs no training ({ratio - 1:+.1%})"
        return f"Hardly worth it: the model predicts about as well as {who}, {beside}."
    return f"Not worth it: {who} predicts better, the model's squared error is {ratio - 1:.0%} above."
