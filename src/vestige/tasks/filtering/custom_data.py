"""Custom recordings: the next observation is predicted, and what lies behind them read out."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.data import FrameSet, Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.errors import UsageError
from vestige.models.families import AbstractFamily, Bernoulli, InPart, UnitGaussian, missing_in_part
from vestige.numerics import batched_map
from vestige.sequences import ArraySequence
from vestige.tasks.contract import Evaluation
from vestige.tasks.filtering.calibration import Calibration
from vestige.tasks.filtering.contract import over_held_out
from vestige.tasks.filtering.featurizers import AbstractFeaturizer, Bare
from vestige.tasks.filtering.momentum_groups import MOTION, NOTES, POPULATION, MomentumGroups
from vestige.tasks.filtering.next_frame import frame_errors, mean_per_frame, next_regression, repeated
from vestige.tasks.filtering.readout import chosen_ridge, r2
from vestige.tasks.filtering.recorded_steps import channel_names
from vestige.tasks.filtering.recordings import AbstractRecordings, Stretches, check_evaluable, checked_length, stretches
from vestige.tasks.filtering.sampling import as_table
from vestige.tasks.filtering.scaling import KINDS, Kind, Scaling
from vestige.tasks.filtering.step_prediction import RecordingsPredictor, calibrated
from vestige.tasks.filtering.unrolling import Filters, observed, unroll
from vestige.tasks.programs import Program
from vestige.tasks.samples import Sampled
from vestige.typing import Key, Metrics


class CustomRecordings(AbstractRecordings):
    """Observations of one kind, and any outcomes that go with them.

    **Metrics** on held-out recordings:

    - `frame_error`: squared error of the frame that `predict` predicts, summed over values, per step from the second
      on; on the same steps `repeat_error` (the last frame again) and `linear_error` (linear regression on what was last
      seen, fitted on the training recordings). Numbers are in units of their standard deviation in training;
    - `log_likelihood`: mean over steps of log q(y_t | x_{t-1}) in nats; `independent_log_likelihood`: of values that
      know neither each other nor the past, with their training means;
    - with outcomes, `outcome_r2`: R² of a ridge regression from `features` to the outcomes, fitted on the training
      recordings, which the model filters too; `outcome_r2_alone`: the same from the observation of the step alone.
      The penalty is chosen on the last fifth of the training recordings. An outcome that is NaN is not known, and
      counts for nothing.

    Where steps are missing `in_part`, what is there counts: errors are means over the values that are there, times p;
    log-likelihoods are those of the values that are there, a mean over the steps with any.
    """

    train: Stretches
    test: Stretches
    observed: AbstractFamily
    mean: Float[np.ndarray, " p"]
    scale: Float[np.ndarray, " p"]
    """The kept values of a frame as recorded are `mean + scale · y`, in float64 on the host: float32 would round a
    level of 1e7 to 1."""
    featurizer: AbstractFeaturizer
    """What is seen of a frame."""
    alone: Float[Array, " naturals"]
    """The natural parameters of values that know neither each other nor the past: those of their training means."""
    read_out: tuple[str, ...] = eqx.field(static=True)
    recorded_width: int = eqx.field(static=True)
    """Values of a step in the file."""
    kept: tuple[int, ...] = eqx.field(static=True)
    """Those that are seen."""
    length: int = eqx.field(static=True, default=100)
    columns: RecordedColumns | None = eqx.field(static=True, default=None)
    """Of the table that the recordings are from; None where they are from arrays."""
    unread: bool = eqx.field(static=True, default=False)
    """Whether the recordings only stand for those of the training, which were not read."""
    in_part: bool = eqx.field(static=True, default=False)
    """Whether steps are missing in some of their values."""

    def __check_init__(self):
        checked_length("CustomRecordings", self.length)

    @property
    def scaling(self) -> Scaling:
        """What was fitted on the training recordings."""
        return Scaling(
            KINDS[type(self.observed)],
            self.recorded_width,
            self.kept,
            self.mean,
            self.scale,
            self.featurizer,
            self.observed,
            np.asarray(self.alone, np.float64),
        )

    @property
    def family(self) -> AbstractFamily:
        return InPart(self.observed) if self.in_part else self.observed

    def shown(self, sequences: np.ndarray) -> Sampled:
        """In the units of the file, under its names.

        **Raises:** `UsageError` where changes are seen beside the values, which a sample does not follow.
        """
        scaling = self.scaling
        if not isinstance(scaling.featurizer, Bare):
            raise UsageError(
                "a run that sees changes (--task.changes) is not sampled step by step; vestige forecast goes on from a "
                "table of yours"
            )
        return Sampled(as_table(scaling.mean + scaling.scale * sequences, channel_names(scaling, self.columns)))

    @property
    def momentum_groups(self) -> MomentumGroups:
        """Those of motion for numbers, of notes for bits, of a population for counts."""
        return {UnitGaussian: MOTION, Bernoulli: NOTES}.get(type(self.observed), POPULATION)

    @property
    def outcomes(self) -> tuple[str, ...]:
        return self.read_out

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        self._check_read()
        key_train, key_test = jax.random.split(key)
        parts = self.in_part
        regression = next_regression(self.train, self.featurizer.bare, in_part=parts)
        whole = (lambda y: y) if parts else jnp.nan_to_num

        def one(sequence: ArraySequence, key: Key) -> tuple[dict[str, tuple[Array, Array]], dict[str, Array]]:
            read_out = lambda before, seen, after, key: (
                model.log_predictive(before, whole(seen), key=key),
                model.predict(after, key=key),
                model.features(after),
            )
            scores, predicted, features = unroll(model, sequence, read_out, key=key)
            frames, seen = self.featurizer.bare(sequence.inputs), repeated(sequence.inputs, in_part=parts)
            last = self.featurizer.bare(seen)
            inside = jnp.arange(frames.shape[0]) < sequence.length
            there = _there(sequence, parts)
            total = lambda score: jnp.sum(jnp.where(there, score, 0.0))
            count = jnp.sum(there).astype(jnp.float32)
            each = jax.vmap(lambda y: self.family.log_prob(self.alone, y))(whole(sequence.inputs))
            errors = lambda predicted: frame_errors(predicted, frames, inside, in_part=parts)
            sums = {
                "frame_error": errors(self.featurizer.next_frame(last, predicted)),
                "repeat_error": errors(last),
                "linear_error": errors(regression(seen)),
                "log_likelihood": (total(scores), count),
                "independent_log_likelihood": (total(each), count),
            }
            return sums, _rows(sequence, features, parts) if self.read_out else {}

        sums, rows = over_held_out(self, one, size=size, key=key_test)
        metrics = mean_per_frame(sums)
        if self.read_out:
            evaluated = _flat(rows)
            learned = self._learned(model, key=key_train)
            for name, of in (("outcome_r2", "features"), ("outcome_r2_alone", "last")):
                readout = chosen_ridge(learned[of], learned["outcomes"], learned["known"])
                errors = readout(evaluated[of]) - evaluated["outcomes"]
                metrics[name] = r2(errors, evaluated["outcomes"], evaluated["known"])
        return metrics

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What can at best be reached is not known; chance is who has no memory, or no model."""
        bounds = {
            "frame_error": {"best": None, "chance": metrics["repeat_error"]},
            "log_likelihood": {"best": None, "chance": metrics["independent_log_likelihood"]},
        }
        if self.read_out:
            bounds["outcome_r2"] = {"best": 1.0, "chance": metrics["outcome_r2_alone"]}
        return bounds

    def diagnostics(self, model: Any, *, size: int, key: Key) -> Evaluation:
        """As the contract says; the arrays also hold the errors on all held-out recordings, from which the intervals of
        `vestige predict` are made."""
        found = super().diagnostics(model, size=size, key=key)
        return found._replace(arrays={**found.arrays, **self.calibration(model).as_arrays()})

    def calibration(self, model: Filters) -> Calibration:
        """The errors of a trained `model` on the held-out recordings."""
        self._check_read()
        return calibrated(model, self.train, self.test, self.scaling)

    def predictor(self, model: Filters, arrays: Mapping[str, np.ndarray] | None) -> RecordingsPredictor | None:
        """As `vestige.experiments.protocols.PredictsTables` says."""
        kept = self.calibration(model) if arrays is None else Calibration.from_arrays(arrays, len(self.kept))
        return None if kept is None else RecordingsPredictor(model, self.scaling, self.columns, kept)

    def program(self, model: Filters, arrays: Mapping[str, np.ndarray] | None) -> Program | None:
        """As `vestige.experiments.protocols.ExportsProgram` says: one step."""
        predictor = self.predictor(model, arrays)
        return None if predictor is None else predictor.program()

    def _check_read(self) -> None:
        """**Raises:** `UsageError` where there is nothing to evaluate on."""
        if self.unread:
            raise UsageError(
                "the recordings of this run were not read, so that there is nothing to evaluate on; name a file: "
                "vestige evaluate RUN --data FILE, or vestige.load(RUN, data=FILE)"
            )

    def _learned(self, model: Filters, *, key: Key) -> dict[str, Array]:
        """The steps of the training recordings."""

        def filtered(number: Array) -> dict[str, Array]:
            sequence = self.train.recording(number)
            read_out = lambda before, seen, after, key: model.features(after)
            filtered = unroll(model, sequence, read_out, key=jax.random.fold_in(key, number))
            return _rows(sequence, filtered, self.in_part)

        return _flat(batched_map(filtered, jnp.arange(self.train.count), at_most=64))


def custom_recordings(
    recorded: Recorded,
    kind: Kind,
    *,
    held_out: float = 0.2,
    length: int = 100,
    leave_out: bool = False,
    changes: bool = False,
    scaling: Scaling | None = None,
    columns: RecordedColumns | None = None,
) -> CustomRecordings:
    """The task on custom recordings. A value that is NaN is missing; numbers are standardised.

    **Arguments:**

    - `recorded`: the recordings.
    - `kind`: of their values.
    - `held_out`: the last part of each recording, which is evaluated.
    - `length`: of a training sequence, in steps.
    - `leave_out`: leave out a channel of numbers that never changes in training, which is otherwise refused by name.
    - `changes`: also observe how numbers have changed.
    - `scaling`: of other recordings: `kind`, `leave_out` and `changes` are then as it says, and nothing is fitted:
      numbers are in units of those, and may be constant.
    - `columns`: the columns of the table that they are from, which are kept with the task.

    **Returns:** the task.

    **Raises:** `ValueError` for values that are not of the kind, constant channels, changes of what are not numbers;
    `UsageError` where no step is left to train or to evaluate on.
    """
    parts = recorded.parted(held_out)
    if scaling is None:
        scaling = Scaling.fitted(parts[0], kind, leave_out=leave_out, changes=changes)
    scaled = [scaling.scaled(part) for part in parts]
    check_evaluable("custom_recordings", scaled[1], parts[1].frames.lengths)
    _check_outcomes(parts)
    seen = [scaling.featurizer.features(frames, part.frames.starts) for frames, part in zip(scaled, parts, strict=True)]
    wide = tuple(f"seen {j}" for j in range(seen[0].shape[1]))
    made = [
        stretches(FrameSet(frames, part.frames.lengths, wide), part.outcomes)
        for frames, part in zip(seen, parts, strict=True)
    ]
    return CustomRecordings(
        train=made[0],
        test=made[1],
        observed=scaling.family,
        mean=scaling.mean,
        scale=scaling.scale,
        featurizer=scaling.featurizer,
        alone=jnp.asarray(scaling.alone.astype(np.float32)),
        read_out=recorded.named,
        recorded_width=scaling.width,
        kept=scaling.kept,
        length=length,
        columns=columns,
        in_part=any(missing_in_part(frames).any() for frames in seen),
    )


def _check_outcomes(parts: tuple[Recorded, Recorded]) -> None:
    """**Raises** where an outcome is infinite, or where no R² of one exists in training or held-out."""
    for name, part in zip(("training", "held-out"), parts, strict=True):
        if np.isinf(part.outcomes).any():
            raise ValueError(
                f"custom_recordings: outcomes must be finite, or NaN where not known, got inf in {name} steps"
            )
        for j in range(part.outcomes.shape[1]):
            known = part.outcomes[:, j][~np.isnan(part.outcomes[:, j])]
            if (count := len(np.unique(known))) < 2:
                raise ValueError(
                    f"custom_recordings: {part.named[j]} must take at least two values in the {name} steps, got "
                    f"{count} value{'' if count == 1 else 's'}; hold out another share (--task.held-out), or leave it "
                    "out"
                )


def _there(sequence: ArraySequence, in_part: bool) -> Bool[Array, " time"]:
    """Steps with an observation, or with some of one."""
    gaps = jnp.isnan(observed(sequence))
    return ~(jnp.all(gaps, axis=1) if in_part else jnp.any(gaps, axis=1))


def _rows(sequence: ArraySequence, features: Float[Array, "time features"], in_part: bool) -> dict[str, Array]:
    """What a readout needs of every step; known is 1 where there are outcomes and an observation has been seen."""
    inside = jnp.arange(sequence.inputs.shape[0]) < sequence.length
    begun = jax.lax.cummax(_there(sequence, in_part).astype(jnp.int32)) > 0
    known = inside & begun & ~jnp.any(jnp.isnan(sequence.outcomes), axis=1)
    return {
        "features": features,
        "last": repeated(observed(sequence), in_part=in_part),
        "outcomes": sequence.outcomes,
        "known": jnp.where(known, 1.0, 0.0),
    }


def _flat(rows: dict[str, Array]) -> dict[str, Array]:
    """All steps of all recordings, one after the other."""
    return {name: leaf.reshape(-1, *leaf.shape[2:]) for name, leaf in rows.items()}
