"""From a file of the user's to a trained run, and whether it was worth it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestige.data import UserFile
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.config import recorded
from vestige.runs.execution import execute
from vestige.runs.fits.contract import AbstractFitStrategy, Comparison, FitRequest
from vestige.runs.fits.frames import FramesFit
from vestige.runs.fits.kinds import KINDS
from vestige.runs.fits.labelled import LabelledFit
from vestige.runs.fits.recordings import RecordingsFit
from vestige.runs.fits.streams import StreamFit
from vestige.runs.folder import CONFIG, need_free
from vestige.runs.restoring import load
from vestige.storage.durable import DamagedFile
from vestige.storage.fit_file import read_fit, write_fit
from vestige.training.external.naming import check_sinks

STRATEGIES: tuple[AbstractFitStrategy, ...] = (FramesFit(), StreamFit(), LabelledFit(), RecordingsFit())
"""The first whose kind a file is of is taken; the last takes what is left, or refuses it."""


@dataclass(frozen=True)
class Fitted:
    """What became of a table.

    - `folder`: the run, an ordinary one.
    - `why`: sentences on what was chosen.
    - `comparison`: the model beside those who need none, on the held-out part; for recordings `error`: squared, summed
      over the channels, in units of the variances of the training; `rmse`: of each channel, in units of the file.
    """

    folder: Path
    why: tuple[str, ...]
    comparison: Comparison

    @property
    def compared(self) -> Mapping[str, dict[str, Any]]:
        """Who predicts the held-out part how well; the first is the model."""
        return self.comparison.rows

    @property
    def sentence(self) -> str:
        """Whether it was worth it."""
        return self.comparison.sentence

    def as_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "folder": str(self.folder),
            "why": list(self.why),
            "steps": self.comparison.count,
            "compared": dict(self.compared),
            "sentence": self.sentence,
            "table": {
                "title": self.comparison.title,
                "headings": list(self.comparison.shown),
                "rows": self.comparison.cells(),
            },
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
    horizon: int | None = None,
    seed: int = 0,
    resume: bool = False,
    command: str = "vestige.fit_table",
    progress: Callable[[], Any] | None = None,
    note: Callable[[str], None] = lambda text: None,
    sinks: Sequence[str] = (),
) -> Fitted:
    """Train a model on a file, and compare it with those who need no training, as `vestige fit` does.

    The kind of data, and with it the experiment, follows from the file where `kind` does not say it; model, sizes and
    updates are chosen on its training part. The run is an ordinary one: `evaluate`, `predict` and `report` read it.

    **Arguments:**

    - `source`: a file that `vestige.data.open` reads.
    - `folder`: where the run is kept.
    - `kind`: what the file is taken for: `recordings` (rows are steps in time), `labelled` (rows are examples with a
      class each), `stream` (an outcome is predicted from all steps before, or the next character of a text), `frames`
      (a film); or `auto`.
    - `inputs`, `outcomes`, `document`, `ignored`: columns, names with commas between them: what is observed and
      predicted, read out of states, distinguishes recordings, has no use. None: as the schema suggests.
    - `time`, `kinds`: the column of times, which is not predicted; name -> kind of columns. None: as suggested.
    - `reading`: how the file is read.
    - `held_out`: the last share of each recording, on which the model is compared.
    - `steps`: updates at most.
    - `season`: in steps; None: it is looked for.
    - `horizon`: steps ahead that forecasts are for; 0: none; None: as the file suggests.
    - `seed`: of the run.
    - `resume`: go on with what is in the folder.
    - `command`: how it was started, for the run's configuration.
    - `progress`, `note`: of the training; receives what goes on.
    - `sinks`: names of other programs that receive the log, such as "mlflow".

    **Returns:** what became of it.

    **Raises:** `UsageError` where the table cannot be fitted, with what would work; then nothing is written. `RunError`
    and `Interrupted` as `fit`.
    """
    folder = Path(folder)
    request = FitRequest(
        Path(source),
        kind,
        inputs=inputs,
        outcomes=outcomes,
        document=document,
        ignored=ignored,
        time=time,
        kinds=kinds or {},
        reading=reading,
        held_out=held_out,
        steps=steps,
        season=season,
        horizon=horizon,
        seed=seed,
    )
    _check(request)
    check_sinks(sinks)
    need_free(folder, resume=resume)
    if resume and (folder / CONFIG).is_file():
        strategy, plan, why = _before(folder, request)
    else:
        strategy = _strategy(request)
        chosen = strategy.planned(request, note=note)
        plan, why = chosen.experiment, chosen.why
    for sentence in why:
        note(sentence)
    entry = registry("experiment").find(strategy.entry)
    options = {"preset": strategy.preset, "seed": seed, "folder": folder, "command": command, "resume": resume}
    execute(entry, plan, **options, progress=progress, sinks=sinks)
    note("comparing with baselines")
    run = load(folder)
    fitted = Fitted(folder, why, strategy.compared(run, request))
    write_fit(folder, fitted.as_plain() | dict(fitted.comparison.kept) | {"update": run.step})
    return fitted


def _check(request: FitRequest) -> None:
    if request.kind not in KINDS:
        raise UsageError(f"as must be one of {', '.join(KINDS)}, got {request.kind}")
    if not 0 < request.held_out < 1:
        raise UsageError(f"held-out must be in (0, 1), such as 0.2, got {request.held_out:g}")
    for name, value, least in (
        ("steps", request.steps, 1),
        ("season", request.season, 2),
        ("horizon", request.horizon, 0),
    ):
        if value is not None and value < least:
            raise UsageError(f"{name} must be at least {least}, got {value}")


def _strategy(request: FitRequest) -> AbstractFitStrategy:
    """Of the kind of data that the user names, or that the file is of."""
    if request.kind == "auto":
        return next(strategy for strategy in STRATEGIES if strategy.suits(request))
    return next(strategy for strategy in STRATEGIES if strategy.kind == request.kind)


def _before(folder: Path, request: FitRequest) -> tuple[AbstractFitStrategy, Experiment, tuple[str, ...]]:
    """The run that is in a folder already, and why it is as it is."""
    there = recorded(folder)
    strategy = _strategy(request)
    paths = [source.path for source in there.experiment.task.sources() if isinstance(source, UserFile)]
    if strategy.entry != there.entry.name or str(request.source) not in paths:
        found = ", ".join(paths) or "other data"
        raise UsageError(f"{folder} holds a run on {found}, not on {request.source}; choose another --out")
    try:
        found = read_fit(folder)
    except DamagedFile:  # it is made again
        found = None
    why = tuple(found["why"]) if found else (f"As it was chosen when the run in {folder} began.",)
    return strategy, there.experiment, why
