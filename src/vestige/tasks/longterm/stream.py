"""Files of steps that are far longer than memory."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data.steps import StepColumns
from vestige.errors import UsageError
from vestige.numerics import batched_map
from vestige.sequences import AbstractReader, Documents, StreamSequence, UnreadFile, lanes, random_place
from vestige.sequences.places import LONGEST
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.longterm.contract import EVALUATION_BATCH, READ_SIZE
from vestige.tasks.longterm.frequencies import AbstractFrequencies, no_frequencies
from vestige.tasks.longterm.outcome_calibration import OutcomeCalibration
from vestige.tasks.longterm.outcome_prediction import OutcomePredictor
from vestige.tasks.longterm.outcome_program import outcome_program
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.longterm.text_samples import sampled_texts
from vestige.tasks.programs import Program
from vestige.tasks.samples import Sampled
from vestige.typing import Batch, Key, Metrics


class Stream(AbstractTask):
    """Predict the outcome of every step of a file that is read as training goes.

    With `segment=None` the training file is cut into as many consecutive lanes as the batch has rows; a lane that is
    over begins again. The order is that of the file: how far each lane has come is kept by the rule, in what a
    checkpoint holds. With a `segment`, every sequence is that many steps from a random place, a function of the key
    and of the row. Either way a resumed run reads what the run never stopped would have read.

    Steps hold an integer (`tokens` says how many there are) or a vector of numbers, their outcomes a class (`classes`)
    or a number. `max_distance` says over how many steps something may have to be remembered, about: models that start
    out made for a distance need it, and nothing else depends on it.

    With the `documents` of the two files a sequence is one document, drawn at random, or a `segment` inside one, and
    every document of the held-out file is evaluated by itself: each begins with an empty memory. Of tables, `columns`
    says what they mean.

    **Metrics**, means over every known step of the held-out file, cut into `size` lanes: `accuracy` and
    `cross_entropy` in nats for classes, `mse` for numbers. On the same steps, of who knows how often each class comes
    and nothing else, `majority_accuracy` and `frequency_cross_entropy`; of who knows the mean, `constant_mse`. NaN
    where no step has an outcome. Time in proportion to the file, memory that of 64 windows of 200 steps.

    **Raises:** `ValueError` where `segment` is not in 1..the training file's steps, at most 2^30, where the two files
    differ in what a step holds, or where `tokens` or `classes` is absent for integers or given for numbers; from
    `batch` and `evaluate`, where there are fewer steps than rows or more than 2^30 for each. What the files hold is
    checked when it is read, see [`StreamSequence`][vestige.sequences.StreamSequence].
    """

    train: AbstractReader = eqx.field(static=True)
    held_out: AbstractReader = eqx.field(static=True)
    segment: int | None = eqx.field(static=True, default=None)
    tokens: int | None = eqx.field(static=True, default=None)
    classes: int | None = eqx.field(static=True, default=None)
    max_distance: int = eqx.field(static=True, default=1000)
    documents: tuple[Documents, Documents] | None = None
    columns: StepColumns | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        train, held_out = self.train, self.held_out
        for what, one, other in (
            ("inputs", train.inputs, held_out.inputs),
            ("outcomes", train.outcomes, held_out.outcomes),
        ):
            if one.shape != other.shape or (one.dtype.kind == "f") != (other.dtype.kind == "f"):
                raise ValueError(
                    f"Stream: {what} must be alike in both files, got {one.dtype}{list(one.shape)} in {train.name} and "
                    f"{other.dtype}{list(other.shape)} in {held_out.name}"
                )
        self._check_kind("inputs", "tokens", self.tokens, 1)
        self._check_kind("outcomes", "classes", self.classes, 0)
        if self.segment is not None and not 1 <= self.segment <= min(train.length, LONGEST):
            raise ValueError(
                f"Stream: segment must be in 1..{min(train.length, LONGEST):,}, since {train.name} has "
                f"{train.length:,} steps; got {self.segment:,}"
            )

    def _check_kind(self, what: str, name: str, count: int | None, axes: int) -> None:
        """Integers without an axis and with a count, or numbers with `axes` axes and without one."""
        shape, dtype = getattr(self.train, what)
        integers = dtype.kind != "f"
        if len(shape) != (0 if integers else axes):
            wanted = "one integer" if integers else ("one number", "a vector of numbers")[axes]
            raise ValueError(
                f"Stream: {what} of {dtype} must be {wanted} per step, got shape {list(shape)} in {self.train.name}"
            )
        if integers and (count is None or count < 1):
            raise ValueError(f"Stream: {what} are integers, so {name} must say how many there are; got {count}")
        if not integers and count is not None:
            raise ValueError(f"Stream: {what} are numbers, so {name} must be None, got {count}")

    @property
    def steps(self) -> int | None:
        """The steps of a sequence, the most where they differ; None where the file is read from end to end."""
        if self.documents is None:
            return self.segment
        longest = self.documents[0].longest
        return longest if self.segment is None else min(self.segment, longest)

    @property
    def features(self) -> int | None:
        """The length of the vector that is seen at a step; None where integers are seen."""
        return self.train.inputs.shape[0] if self.train.inputs.shape else None

    def check_sizes(self, *, batch_size: int, eval_size: int) -> None:
        if self.documents is not None:
            return
        if self.segment is None:
            lanes(self.train, batch_size, tokens=self.tokens, classes=self.classes)
        lanes(self.held_out, eval_size, tokens=self.tokens, classes=self.classes)

    def batch(self, *, size: int, key: Key) -> Batch:
        """`size` sequences as one with a leading axis, in `inputs`. Only the windows that a rule needs are read."""
        kinds = {"tokens": self.tokens, "classes": self.classes}
        if self.documents is not None:
            train, _ = self.documents
            draw = lambda row: train.drawn(self.train, self.segment, **kinds, key=jax.random.fold_in(key, row))
            return Batch(jax.vmap(draw)(jnp.arange(size)))
        if self.segment is None:
            return Batch(lanes(self.train, size, tokens=self.tokens, classes=self.classes))
        length = self.segment

        def one(row: Array) -> StreamSequence:
            begin = random_place(self.train.length - length + 1, key=jax.random.fold_in(key, row))
            steps = jnp.array(length, jnp.int32)
            return StreamSequence(
                reader=self.train, begin=begin, length=steps, tokens=self.tokens, classes=self.classes
            )

        return Batch(jax.vmap(one)(jnp.arange(size)))

    def evaluate(self, model: EncodesAndPredicts, *, size: int, key: Key, read_size: int = READ_SIZE) -> Metrics:
        """Means over every known step of the held-out file, read in `size` lanes, or document by document, and windows
        of `read_size` steps.

        Every lane begins with an empty memory: the fewer there are, the less of the file is evaluated without its past,
        and the longer it takes.

        **Raises:** `ValueError` where `read_size` is not positive.
        """
        if read_size < 1:
            raise ValueError(f"evaluate: read_size must be at least 1, got read_size={read_size}")
        if self.documents is None:
            parts = lanes(self.held_out, size, tokens=self.tokens, classes=self.classes)
            longest = -(-self.held_out.length // size)
        else:
            parts = self.documents[1].all_of(self.held_out, tokens=self.tokens, classes=self.classes)
            longest = self.documents[1].longest
        read_size = min(read_size, longest)

        def one(sequence: StreamSequence) -> tuple[Metrics, AbstractFrequencies, Array]:
            def unroll(count: Array, carry: tuple[Any, Metrics, AbstractFrequencies, Array]) -> tuple:
                state, means, base, seen = carry
                window = sequence.window((count * read_size).astype(jnp.int32), read_size)
                state, memories = model.encode(state, window.inputs, window.inside)
                metrics = self.prediction_metrics(jax.vmap(model.predict)(memories, window.inputs), window.outcomes)
                now = jnp.sum(window.known, dtype=jnp.int32)
                share = 1.0 / jnp.maximum(seen + now, 1).astype(jnp.float32)
                means = {
                    name: means[name]
                    + share * jnp.sum(jnp.where(window.known, values - means[name], 0.0), dtype=jnp.float32)
                    for name, values in metrics.items()
                }
                return state, means, base.added(window.outcomes, window.known, seen), seen + now

            names = ("mse",) if self.classes is None else ("accuracy", "cross_entropy")
            start = (
                model.init(),
                {name: jnp.zeros(()) for name in names},
                no_frequencies(self.classes),
                jnp.zeros((), jnp.int32),
            )
            return jax.lax.fori_loop(0, -(-longest // read_size), unroll, start)[1:]

        means, base, seen = batched_map(one, parts, at_most=EVALUATION_BATCH)
        weights = seen.astype(jnp.float32) / jnp.sum(seen.astype(jnp.float32))
        return {name: jnp.sum(weights * values) for name, values in means.items()} | base.together(weights)

    def diagnostics(self, model: EncodesAndPredicts, *, size: int, key: Key) -> Evaluation:
        """As the contract says; of tables the arrays also hold the errors on all held-out steps, from which the
        intervals and scores of `vestige predict` are made."""
        found = evaluate(self, model, size, key=key)
        arrays = {} if self.columns is None else self.calibration(model).as_arrays()
        return Evaluation(scalars(found), {}, self.bounds(found), arrays)

    def calibration(self, model: EncodesAndPredicts) -> OutcomeCalibration:
        """The errors of a trained `model` on all held-out steps. One pass over them. **Raises:** `UsageError` where
        they were not read."""
        if isinstance(self.held_out, UnreadFile):
            raise UsageError(
                f"{self.held_out.name} was not read, so that there are no held-out errors; name a file: vestige "
                "evaluate RUN --data FILE, or vestige.load(RUN, data=FILE)"
            )
        lengths = np.array([self.held_out.length]) if self.documents is None else np.asarray(self.documents[1].lengths)
        return OutcomeCalibration.of(model, self.held_out, lengths, self.classes)

    def predictor(self, model: EncodesAndPredicts, arrays: Mapping[str, np.ndarray] | None) -> OutcomePredictor | None:
        """As `vestige.experiments.protocols.PredictsTables` says. **Raises:** `UsageError` where the run is on files
        that were read as they are, whose steps have no names."""
        if self.columns is None:
            raise UsageError(
                f"{self.train.name} was read as it is, without names, so that no other file can be predicted; train "
                "with --task.table True"
            )
        kept = self.calibration(model) if arrays is None else OutcomeCalibration.from_arrays(arrays, self.classes)
        return None if kept is None else OutcomePredictor(model, self.columns, kept)

    def program(self, model: EncodesAndPredicts, arrays: Mapping[str, np.ndarray] | None) -> Program | None:
        """As `vestige.experiments.protocols.ExportsProgram` says: one step, where the columns are known."""
        return None if self.columns is None else outcome_program(model, self.columns)

    def sampled(self, model: EncodesAndPredicts, *, count: int, steps: int | None, given: int, seed: int) -> Sampled:
        """As `vestige.experiments.protocols.GeneratesSamples` says: texts, where the next character is predicted, by
        default of `max_distance` characters; the first is always of the held-out part.

        **Raises:** `UsageError` also where something else is predicted, from which nothing can be generated.
        """
        if self.columns is None or not self.columns.text:
            raise UsageError(
                "vestige sample: this run predicts an outcome of what is seen, and not what is seen next; only streams "
                "of a text are generated"
            )
        wanted = steps or max(self.steps or self.max_distance, given + 1)
        return sampled_texts(model, self.columns, self.held_out, count=count, steps=wanted, given=given, seed=seed)

    def prediction_metrics(
        self, predictions: Float[Array, "steps outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " steps"]]:
        """Metrics per step."""
        if self.classes is None:
            return {"mse": jnp.square(predictions[:, 0] - outcomes)}
        logs = jax.nn.log_softmax(predictions)
        surprise = -jnp.take_along_axis(logs, outcomes[:, None], axis=1)[:, 0]
        right = jnp.argmax(predictions, axis=1).astype(outcomes.dtype) == outcomes
        return {"accuracy": right.astype(surprise.dtype), "cross_entropy": surprise}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance knows how often each class comes in the held-out file, or the mean of its numbers. How much of a file
        can be predicted is not known."""
        if self.classes is None:
            return {"mse": {"best": None, "chance": float(metrics["constant_mse"])}}
        return {
            "accuracy": {"best": None, "chance": float(metrics["majority_accuracy"])},
            "cross_entropy": {"best": None, "chance": float(metrics["frequency_cross_entropy"])},
        }
