"""What the held-out part says of the errors of a memory: intervals of numbers, and how rare a surprise is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from vestige.errors import RunError, UsageError
from vestige.sequences import AbstractReader
from vestige.tasks.longterm.outcome_reader import CHUNK, Chunk, log_probabilities, read_outcomes
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.order_statistics import PREFIX, Sorted


@dataclass(frozen=True, eq=False)
class OutcomeCalibration:
    """The errors of a model on held-out steps whose outcome is known.

    - `surprise`: of -log q(y_k | x_1..k) in nats.
    - `residuals`: of |y_k - prediction| in units of the training, where the outcome is a number.
    - `deviation`: the root of the mean squared error there: the standard deviation of the normal distribution by which
      the surprise of a number is computed.
    """

    surprise: Sorted
    residuals: Sorted | None = None
    deviation: float | None = None

    @classmethod
    def of(
        cls, model: EncodesAndPredicts, reader: AbstractReader, lengths: np.ndarray, classes: int | None
    ) -> "OutcomeCalibration":
        """Read held-out steps. Costs one pass over them; memory for a number a step.

        **Arguments:**

        - `model`: trained.
        - `reader`: of the held-out steps.
        - `lengths`: of the documents.
        - `classes`: of the outcome; None: it is a number.

        **Raises:** `UsageError` where no held-out outcome is known.
        """
        found = [
            _errors(chunk, predicted, classes) for chunk, predicted in read_outcomes(model, chunks_of(reader, lengths))
        ]
        errors = np.concatenate(found) if found else np.zeros(0)
        if not len(errors):
            raise UsageError(f"{reader.name}: the outcome of no held-out step is known; hold out more")
        if classes is not None:
            return cls(Sorted.of(errors[:, None]))
        deviation = float(np.sqrt(np.mean(np.square(errors))))
        surprise = normal_surprise(errors, deviation)
        return cls(Sorted.of(surprise[:, None]), Sorted.of(errors[:, None]), deviation)

    def as_arrays(self) -> dict[str, np.ndarray]:
        """For `evaluation.npz`, from which `from_arrays` makes the same again."""
        arrays = self.surprise.as_arrays("surprise")
        if self.residuals is not None:
            arrays |= self.residuals.as_arrays("residuals")
        return arrays if self.deviation is None else {**arrays, f"{PREFIX}deviation": np.array(self.deviation)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], classes: int | None) -> "OutcomeCalibration | None":
        """What `as_arrays` gave, of an outcome of `classes`, or a number; None where `arrays` hold none.

        **Raises:** `UsageError` where they do not go together.
        """
        if f"{PREFIX}surprise" not in arrays:
            return None
        try:
            names = ("surprise",) if classes is not None else ("surprise", "residuals")
            kept = {name: Sorted.from_arrays(arrays, name) for name in names}
            return cls(**kept, deviation=None if classes is not None else float(arrays[f"{PREFIX}deviation"]))
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise UsageError(f"the stored calibration is damaged: {error}") from None


def chunks_of(reader: AbstractReader, lengths: np.ndarray, *, size: int = CHUNK) -> Iterator[Chunk]:
    """The steps of a file in order.

    **Arguments:**

    - `reader`: the file.
    - `lengths`: of its documents.
    - `size`: steps at a time.

    **Raises:** `RunError` where the file has become shorter.
    """
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    for start in range(0, reader.length, size):
        stop = min(start + size, reader.length)
        inputs, outcomes = reader.read(start, stop)
        if len(inputs) < stop - start:
            raise RunError(f"{reader.name}: it has become shorter while it is read, at step {start + len(inputs):,}")
        resets = np.zeros(stop - start, bool)
        first, last = np.searchsorted(begins, [start, stop])
        resets[begins[first:last] - start] = True
        yield Chunk(inputs, outcomes, resets)


def normal_surprise(errors: np.ndarray, deviation: float) -> np.ndarray:
    """-log of a normal density, in nats of the units of the training.

    **Arguments:**

    - `errors`: of its mean.
    - `deviation`: its standard deviation.
    """
    spread = max(deviation, 1e-6)  # of predictions without any error, which no density describes
    return 0.5 * np.square(errors / spread) + np.log(spread) + 0.5 * np.log(2 * np.pi)


def _errors(chunk: Chunk, predicted: np.ndarray, classes: int | None) -> np.ndarray:
    """Of the known steps the surprise, of classes, or the absolute error; infinite where a prediction is not finite."""
    if classes is None:
        known = ~np.isnan(chunk.outcomes)
        errors = np.abs(chunk.outcomes[known].astype(np.float64) - predicted[known, 0])
    else:
        known = chunk.outcomes >= 0
        logs = log_probabilities(predicted[known])
        errors = -logs[np.arange(len(logs)), chunk.outcomes[known]]
    return np.where(np.isfinite(errors), errors, np.inf)
