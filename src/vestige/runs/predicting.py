"""Predictions by the model of a run, of a table that is not its own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vestige import gate
from vestige.data.tables import Cells
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.writing import check_target, numbers, table_writer
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.experiments.protocols import PredictsSteps, ServesWithoutData
from vestige.plain import name_of
from vestige.registries import registry
from vestige.runs.folder import EVALUATION
from vestige.runs.prediction_tally import PredictionSummary, Tally
from vestige.storage.digests import digest_of_file
from vestige.storage.durable import DamagedFile, write_text
from vestige.storage.results import RESULTS, finite, read_results
from vestige.tasks.stepwise import CHUNK, AbstractStepPredictor, PredictedSteps
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

INTERVAL = 0.9
METHOD = (
    "The interval is the mean and on both sides a width: at first the quantile of the absolute errors on the held-out "
    "part of the training file (split conformal prediction), one for each channel; then it grows by 2 percent a missed "
    "step, and shrinks a little with each that is covered, so that the share of values that are covered comes close to "
    "the wanted one whatever the table is like. The first step of a document has a width of its own, which stays."
)


def check_predicts(folder: Path, experiment: Experiment) -> None:
    """**Raises:** `UsageError` where the model of the run in `folder`, of this `experiment`, predicts no tables."""
    if not isinstance(experiment.task, ServesWithoutData):
        able = [name for name, entry in registry("experiment").items() if _serves(entry)]
        raise UsageError(
            f"{folder}: task {name_of(experiment.task)} predicts no tables of yours; runs of these experiments do: "
            f"{', '.join(able)}"
        )


def _serves(entry: Any) -> bool:
    return isinstance(entry.preset("small").task, ServesWithoutData)


class Predictions:
    """The predicted steps of a table, made as they are iterated over, once.

    **Arguments:**

    - `predictor`: the trained model.
    - `source`: what `vestige.data.open` reads.
    - `options`: how a file is read.
    - `interval`: the share of values that intervals are to cover, in (0, 1).
    - `chunk`: steps under one call of the compiled program; changes no result.

    **Raises:** `UsageError` for columns that are absent and for an interval that cannot be.
    """

    def __init__(
        self,
        predictor: AbstractStepPredictor,
        source: Any,
        *,
        options: ReadOptions | None = None,
        interval: float = INTERVAL,
        chunk: int = CHUNK,
    ):
        self.predictor = predictor
        self.table = predictor.opened(source, options)
        self.channels = predictor.channels
        self._tally = Tally(self.channels, predictor.scale, interval)
        self._steps = predictor.predicted(self.table, interval=interval, chunk=chunk)

    def __iter__(self) -> Iterator[PredictedSteps]:
        for steps in self._steps:
            self._tally.add(steps)
            yield steps

    @property
    def notices(self) -> list[str]:
        """What a reader should know of the table; complete when all steps were iterated over."""
        return self.predictor.notices

    def summary(self) -> PredictionSummary:
        """How good the predictions were that were iterated over."""
        return self._tally.summary()


def predictor_of(run: "Restored", again: Callable[[Path], "Restored"]) -> AbstractStepPredictor:
    """The model of a restored run, as it predicts tables.

    Intervals are calibrated on what the evaluation at the end of training kept, or else on the run's own data.

    **Arguments:**

    - `run`: restored, with or without its data.
    - `again`: restores the run in a folder with its data.

    **Raises:** `UsageError` where the run cannot predict tables, or nothing is there to calibrate on.
    """
    check_predicts(run.folder, run.experiment)
    task = run.components.task
    assert isinstance(task, PredictsSteps)
    arrays = evaluated(run.folder, run.step)
    if arrays is not None and (predictor := task.step_predictor(run.model, arrays)) is not None:
        return predictor
    if run.without_data:
        try:
            run = again(run.folder)
        except UsageError as error:
            raise UsageError(
                f"{run.folder} keeps no held-out errors of update {run.step:,}, on which intervals are calibrated (the "
                f"run is not at its end, or of an earlier version), and its own data cannot be read for them: {error}"
            ) from None
    predictor = run.components.task.step_predictor(run.model, None)  # pyright: ignore[reportAttributeAccessIssue]
    assert predictor is not None
    return predictor


def evaluated(folder: Path, step: int) -> dict[str, np.ndarray] | None:
    """The arrays of the evaluation at the end of the run in `folder`, where its model is that of update `step`.

    **Returns:** name -> array; None where there is none, or it is of another update.

    **Raises:** `DamagedFile` where it is not what was written.
    """
    if not (folder / RESULTS).is_file() or not (folder / EVALUATION).is_file():
        return None
    results = read_results(folder / RESULTS)
    if results.get("updates") != step:
        return None
    if (digest := (results.get("files") or {}).get(EVALUATION)) not in (None, digest_of_file(folder / EVALUATION)):
        raise DamagedFile(folder / EVALUATION, f"is not what was written (digest {digest} is expected); vestige verify")
    try:
        return gate.read_npz(folder / EVALUATION)
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error


def card_of(out: Path) -> Path:
    """Where the card of the predictions in `out` lies: beside them."""
    return out.with_name(f"{out.name}.card.json")


def write_predictions(
    predictions: Predictions, out: Path, *, run: "Restored", force: bool = False
) -> PredictionSummary:
    """Write the predictions of a table, and beside them a card that says what they are.

    Memory in proportion to a chunk. Each file is written whole or not at all.

    **Arguments:**

    - `predictions`: not yet iterated over.
    - `out`: `.csv`, `.tsv` or `.parquet`.
    - `run`: whose model it is, for the card.
    - `force`: replace a file that exists.

    **Returns:** how good they were.

    **Raises:** `UsageError` where the file exists or is the table itself, and for a value that does not fit, with
    column and row; `RunError` where it cannot be written.
    """
    check_out(out, predictions.table.name, force=force)
    with table_writer(out) as writer:
        for steps in predictions:
            writer.write(columns_of(steps, predictions.channels))
    summary = predictions.summary()
    card = {
        "predictions": out.name,
        "run": str(run.folder.absolute()),
        "update": run.step,
        "table": predictions.table.name,
        "vestige": __version__,
        "columns": {
            "NAME.mean": "the expected value before the step is seen, in units of the table",
            "NAME.low, NAME.high": f"the ends of its interval of {summary.interval:.6g}",
            "surprise": "-log q(y_t | x_t-1) in nats of the values as the model sees them; empty where missing",
        },
        "interval": {"share": summary.interval, "method": METHOD},
        "notices": predictions.notices,
        "summary": summary.as_plain(),
    }
    write_text(card_of(out), json.dumps(finite(card), indent=1, ensure_ascii=False) + "\n")
    return summary


def check_out(out: Path, table: str, *, force: bool) -> None:
    """Check, before anything is computed, that `out` can be written.

    **Arguments:**

    - `out`: the file.
    - `table`: that is predicted, which is not replaced.
    - `force`: whether a file that exists is replaced.

    **Raises:** `UsageError` where it cannot.
    """
    if out.exists() and Path(table).exists() and out.samefile(table):
        raise UsageError(f"--out {out} is the table that is predicted; choose another name")
    check_target(out, force=force)


def columns_of(steps: PredictedSteps, channels: tuple[str, ...]) -> dict[str, Cells]:
    """The columns of a file of predictions: time and document (the row, counted from 1, where there is neither), mean,
    low and high of each channel, surprise.

    **Arguments:**

    - `steps`: predicted.
    - `channels`: their names.

    **Raises:** `UsageError` where a column of the table has the name of one of these.
    """
    found = rows_of(steps)
    for place, channel in enumerate(channels):
        for name in ("mean", "low", "high"):
            put(found, f"{channel}.{name}", numbers(np.ascontiguousarray(getattr(steps, name)[:, place])))
    put(found, "surprise", numbers(steps.surprise))
    return found


def rows_of(steps: PredictedSteps) -> dict[str, Cells]:
    """What says which steps these are: time and document, or the row, counted from 1, where there is neither."""
    rows = len(steps.surprise)
    numbered = Cells(np.arange(steps.start + 1, steps.start + rows + 1), np.zeros(rows, bool))
    return dict(steps.passed) or {"row": numbered}


def put(found: dict[str, Cells], name: str, cells: Cells) -> None:
    """Add a column.

    **Arguments:**

    - `found`: the columns so far.
    - `name`, `cells`: of the new one.

    **Raises:** `UsageError` where there is one of that name.
    """
    if name in found:
        raise UsageError(f"two columns of the predictions would be named '{name}'; rename that column of the table")
    found[name] = cells
