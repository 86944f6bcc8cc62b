"""Films: each frame is predicted from those before it."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import numpy as np

from vestige.data import read_recorded
from vestige.data.films import film_shape
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.models.filters.lag_choice import MOST_VALUES
from vestige.models.filters.specs import CLIP, RVAESpec
from vestige.rules.local_specs import MultiStepSpec
from vestige.runs.fits.contract import AbstractFitStrategy, Comparison, FitPlan, FitRequest, Note
from vestige.runs.fits.recordings_plan import check_held_out, plan_for, task_for
from vestige.tasks.evaluation import evaluate
from vestige.tasks.filtering.custom_data import CustomRecordings
from vestige.tasks.filtering.specs import RecordingsSpec
from vestige.tasks.filtering.step_prediction import read_on
from vestige.training.optimisers import AdamSpec

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

LEAST_ORDER = 2
"""Frames from which it can be seen where something goes."""
HIDDEN, WIDTH = 64, 256
BATCH, WINDOW, INTERVAL = 32, 100, 10
EPOCHS, FEWEST, MOST = 60, 200, 4000
NEAR = 0.01
"""Errors that differ by less are as good as each other."""


class FramesFit(AbstractFitStrategy):
    """Of small frames a ridge autoregression on the last ones, beside it a net where that helps; of larger ones a
    recurrent variational autoencoder, whose state remembers what moves, and no gradient crosses time."""

    kind: ClassVar[str] = "frames"
    entry: ClassVar[str] = "recordings"
    preset: ClassVar[str] = "small"

    def suits(self, request: FitRequest) -> bool:
        return film_shape(request.source) is not None

    def planned(self, request: FitRequest, *, note: Note) -> FitPlan:
        shape = film_shape(request.source)
        if shape is None:
            raise UsageError(
                f"{request.source}: films are .npy files (frames, height, width) or (frames, height, width, channels), "
                "or .npz files with such observations and, if there are several films one after the other, their "
                "lengths; --as recordings takes tables"
            )
        if wrong := [name for name in ("inputs", "outcomes", "document", "ignored", "time") if getattr(request, name)]:
            raise UsageError(f"{request.source}: a film has no columns to choose; leave out --{wrong[0]}")
        recorded, _ = read_recorded(request.source)
        check_held_out(recorded, request.held_out, str(request.source), None)
        values = "bits" if _of_bits(recorded.frames.frames) else "numbers"
        spec = RecordingsSpec(path=str(request.source), values=values, held_out=request.held_out, leave_out=True)
        films = f"{len(recorded.frames.lengths):,} films, " if len(recorded.frames.lengths) > 1 else ""
        why = [f"Taken for frames: {films}{shape[0]:,} frames of {'x'.join(map(str, shape[1:]))} pixels, {values}."]
        task = task_for(recorded, spec, str(request.source))
        if still := len(recorded.frames.channels) - len(task.kept):
            why.append(f"{still:,} pixels never change in the training frames, and are left out.")
        if LEAST_ORDER * len(task.kept) <= MOST_VALUES:
            found = plan_for(recorded, spec, dataclasses.replace(request, season=0, horizon=0), note=note)
            return FitPlan(found.experiment, (*why, *found.why))
        total = task.train.frames.shape[0]
        batch = max(1, min(BATCH, total // WINDOW))
        length = max(2, min(WINDOW, task.train.longest))
        updates = EPOCHS * total // (batch * min(INTERVAL, length))
        experiment = Experiment(
            dataclasses.replace(spec, length=length),
            RVAESpec(HIDDEN, WIDTH, noise="learned" if values == "bits" else "fixed"),
            MultiStepSpec(CLIP, min(INTERVAL, length), target="transition"),
            AdamSpec(),
            batch_size=batch,
            num_evals=1,
            eval_size=max(2, min(64, task.test.count)),
            steps=request.steps or max(FEWEST, min(MOST, updates)),
        )
        why.append(
            f"The model is a recurrent variational autoencoder with a state of {HIDDEN}; {experiment.steps:,} updates "
            f"of {batch:,} windows of {length:,} frames."
        )
        return FitPlan(experiment, tuple(why))

    def compared(self, run: "Restored", request: FitRequest) -> Comparison:
        task = run.components.task
        assert isinstance(task, CustomRecordings)
        errors = _errors(task, run.model)
        size = run.experiment.eval_size
        nats = {name: float(value) for name, value in evaluate(task, run.model, size, key=jax.random.key(0)).items()}
        rows: dict[str, dict[str, Any]] = {
            "model": {"said": "the model", "error": errors["model"], "nats": nats["log_likelihood"]},
            "last frame": {"said": "the last frame", "error": errors["last frame"], "nats": None},
            "mean frame": {"said": "the mean frame", "error": errors["mean frame"], "nats": None},
            "independent pixels": {
                "said": "pixels that know neither each other nor the past",
                "error": errors["mean frame"],
                "nats": nats["independent_log_likelihood"],
            },
        }
        count = int(errors["count"])
        return Comparison(
            title=f"{count:,} held-out frames, one ahead",
            count=count,
            rows=rows,
            shown={
                "squared error": lambda row: f"{row['error']:.4g}",
                "nats a frame": lambda row: "–" if row["nats"] is None else f"{row['nats']:.1f}",
            },
            sentence=sentence_of(rows),
        )


def _of_bits(frames: np.ndarray) -> bool:
    return bool(np.all((frames == 0) | (frames == 1) | np.isnan(frames)))


def _errors(task: CustomRecordings, model: Any) -> dict[str, float]:
    """Squared errors of a frame in units of the file, summed over pixels, on the held-out frames after the first of a
    film."""
    read = read_on(model, task.train, task.test, task.scaling)
    begins = np.zeros(len(read.frames), bool)
    begins[read.starts] = True
    there = ~np.isnan(read.frames)
    last = _last_seen(read.frames, begins)
    scored = read.held & there.any(axis=1) & ~np.isnan(last).all(axis=1)
    mean = np.nanmean(read.frames[~read.held], axis=0)
    unit = np.square(task.scaling.scale)

    def error(predicted: np.ndarray) -> float:
        squares = np.square(predicted - read.frames[scored]) * unit
        share = there[scored].sum(axis=1) / there.shape[1]
        return float((np.nansum(squares, axis=1) / share).mean())

    known = np.where(np.isnan(last), mean, last)
    return {
        "model": error(read.mean[scored]),
        "last frame": error(known[scored]),
        "mean frame": error(np.broadcast_to(mean, read.mean.shape)[scored]),
        "count": float(scored.sum()),
    }


def _last_seen(frames: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Of each pixel, the last value before each frame of the same film; NaN where there is none."""
    rows = np.arange(len(frames))[:, None]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(frames)), 0))
    seen = np.maximum.accumulate(np.where(np.isnan(frames), -1, rows), axis=0)
    before = np.concatenate([np.full((1, frames.shape[1]), -1), seen[:-1]])
    known = before >= first[:, None]
    return np.where(known, np.take_along_axis(frames, np.maximum(before, 0), axis=0), np.nan)


def sentence_of(rows: dict[str, dict[str, Any]]) -> str:
    """Whether the model was worth it, in one sentence.

    **Arguments:**

    - `rows`: of the comparison.
    """
    error = rows["model"]["error"]
    best = min(("last frame", "mean frame"), key=lambda name: rows[name]["error"])
    other = rows[best]["error"]
    gain = rows["model"]["nats"] - rows["independent pixels"]["nats"]
    beside = (
        f"and a frame is {abs(gain):.1f} nats {'less' if gain > 0 else 'more'} surprising than by independent pixels"
    )
    if not np.isfinite(error):
        return "Not worth it: the model's predictions are not finite; report this, with the film if you can."
    if other == 0:
        return f"Not worth it: the {best} predicts the held-out frames without any error."
    if error < (1 - NEAR) * other:
        return f"Worth it: the model's squared error undercuts that of the {best} by {1 - error / other:.0%}, {beside}."
    if error <= (1 + NEAR) * other:
        return f"Hardly worth it: the model predicts about as well as the {best}, {beside}."
    above = f"the model's squared error is {error / other - 1:.0%} above"
    return f"Not worth it: the {best} predicts better, {above}, {beside}."
