"""Predictions by the model of a run, of a table that is not its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vestige import gate
from vestige.data.tables.writing import check_target, table_writer
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.experiments.protocols import PredictsTables, ServesWithoutData
from vestige.plain import name_of
from vestige.registries import registry
from vestige.runs.folder import EVALUATION
from vestige.storage.digests import digest_of_file
from vestige.storage.durable import DamagedFile, write_text
from vestige.storage.results import RESULTS, finite, read_results
from vestige.tasks.predictions import AbstractPredictions, AbstractPredictionSummary, AbstractPredictor
from vestige.tasks.stepwise import AbstractStepPredictor
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored


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


def predictor_of(run: "Restored", again: Callable[[Path], "Restored"]) -> AbstractPredictor:
    """The model of a restored run, as it predicts tables.

    Intervals are calibrated on what the evaluation at the end of training kept, or else on the run's own data.

    **Arguments:**

    - `run`: restored, with or without its data.
    - `again`: restores the run in a folder with its data.

    **Raises:** `UsageError` where the run cannot predict tables, or nothing is there to calibrate on.
    """
    check_predicts(run.folder, run.experiment)
    task = run.components.task
    assert isinstance(task, PredictsTables)
    arrays = evaluated(run.folder, run.step)
    if arrays is not None and (predictor := task.predictor(run.model, arrays)) is not None:
        return predictor
    if run.without_data:
        try:
            run = again(run.folder)
        except UsageError as error:
            raise UsageError(
                f"{run.folder} keeps no held-out errors of update {run.step:,}, on which intervals are calibrated (the "
                f"run is not at its end, or of an earlier version), and its own data cannot be read for them: {error}"
            ) from None
    predictor = run.components.task.predictor(run.model, None)  # pyright: ignore[reportAttributeAccessIssue]
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


def step_predictor_of(run: "Restored", again: Callable[[Path], "Restored"], what: str) -> AbstractStepPredictor:
    """As `predictor_of`, of a model that predicts steps in time.

    **Arguments:**

    - `run`, `again`: as in `predictor_of`.
    - `what`: it is wanted for, for the message.

    **Raises:** `UsageError`, as `predictor_of`, and where the rows of its tables are no steps.
    """
    predictor = predictor_of(run, again)
    if not isinstance(predictor, AbstractStepPredictor):
        raise UsageError(
            f"{run.folder}: {what} is for models that predict the next step of recordings; this is a run of "
            f"{run.entry.name}"
        )
    return predictor


def card_of(out: Path) -> Path:
    """Where the card of the predictions in `out` lies: beside them."""
    return out.with_name(f"{out.name}.card.json")


def write_predictions(
    predictions: AbstractPredictions[Any], out: Path, *, run: "Restored", force: bool = False
) -> AbstractPredictionSummary:
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
        for chunk in predictions:
            writer.write(predictions.columns(chunk))
    summary = predictions.summary()
    card = {
        "predictions": out.name,
        "run": str(run.folder.absolute()),
        "update": run.step,
        "table": predictions.table.name,
        "vestige": __version__,
        **predictions.said(),
        "notices": predictions.notices,
        "summary": summary.as_plain(),
    }
    write_text(card_of(out), json.dumps(finite(card), indent=1, ensure_ascii=False) + "\n")
    return summary


def check_out(out: Path, table: str, *, force: bool, also: tuple[str, ...] = ()) -> None:
    """Check, before anything is computed, that `out` can be written.

    **Arguments:**

    - `out`: the file.
    - `table`: that is predicted, which is not replaced.
    - `force`: whether a file that exists is replaced.
    - `also`: further suffixes that may be.

    **Raises:** `UsageError` where it cannot.
    """
    if out.exists() and Path(table).exists() and out.samefile(table):
        raise UsageError(f"--out {out} is the table that is predicted; choose another name")
    check_target(out, force=force, also=also)
