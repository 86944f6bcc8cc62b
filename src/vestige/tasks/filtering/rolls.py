"""Polyphonic music: the next notes are predicted."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data import FrameSet
from vestige.models.families import Bernoulli
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import over_held_out
from vestige.tasks.filtering.momentum_groups import NOTES, MomentumGroups
from vestige.tasks.filtering.next_frame import frame_errors, mean_per_frame, repeated
from vestige.tasks.filtering.recordings import AbstractRecordings, Stretches, checked_length, stretches
from vestige.tasks.filtering.sampling import as_table
from vestige.tasks.filtering.unrolling import Filters, unroll
from vestige.tasks.samples import Sampled
from vestige.typing import Key, Metrics

LOWEST = 21
"""The number of the lowest key of a piano."""


class PianoRolls(AbstractRecordings):
    """Which of 88 notes sound at every step of a piece. No outcomes.

    **Metrics** on whole held-out pieces:

    - `log_likelihood`: mean of log q(y_t | x_{t-1}) in nats over all frames of all pieces, the first of each
      included; `log_likelihood_of_pieces`: mean over pieces of their means, in which short pieces count as much;
    - `frame_error`: squared error of `predict`, summed over notes, per frame from the second on;
    - `independent_log_likelihood`: of notes that sound independently, as often as in training (one more of each
      counted); `repeat_error`: of the last frame again.
    """

    train: Stretches
    test: Stretches
    length: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        checked_length("PianoRolls", self.length)

    @property
    def family(self) -> Bernoulli:
        return Bernoulli(self.train.frames.shape[1])

    @property
    def momentum_groups(self) -> MomentumGroups:
        return NOTES

    def shown(self, sequences: np.ndarray) -> Sampled:
        """A piano roll each, time to the right and high notes above; in a table the notes that sound."""
        names = tuple(f"note {LOWEST + place}" for place in range(sequences.shape[2]))
        rolls = np.nan_to_num(sequences).transpose(0, 2, 1)[:, None, ::-1]
        return Sampled(as_table(sequences, names), pictures=rolls)

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        frequent = self._frequencies()

        def one(sequence: ArraySequence, key: Key) -> dict[str, tuple[Array, Array]]:
            read_out = lambda before, seen, after, key: (
                model.log_predictive(before, seen, key=key),
                model.predict(after, key=key),
            )
            scores, predicted = unroll(model, sequence, read_out, key=key)
            frames = sequence.inputs
            inside = jnp.arange(frames.shape[0]) < sequence.length
            count = sequence.length.astype(jnp.float32)
            alone = frames * jnp.log(frequent)[None] + (1 - frames) * jnp.log1p(-frequent)[None]
            total = jnp.sum(jnp.where(inside, scores, 0.0))
            return {
                "log_likelihood": (total, count),
                "log_likelihood_of_pieces": (total / count, jnp.ones(())),
                "independent_log_likelihood": (jnp.sum(jnp.where(inside[:, None], alone, 0.0)), count),
                "frame_error": frame_errors(predicted, frames, inside),
                "repeat_error": frame_errors(repeated(frames), frames, inside),
            }

        return mean_per_frame(over_held_out(self, one, size=size, key=key))

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What can at best be reached is not known; chance is independent notes, and the last frame again."""
        chance = metrics["independent_log_likelihood"]
        return {
            "log_likelihood": {"best": None, "chance": chance},
            "frame_error": {"best": None, "chance": metrics["repeat_error"]},
        }

    def _frequencies(self) -> Float[Array, " notes"]:
        sounding = jnp.sum(self.train.frames.astype(jnp.float32), axis=0)
        return (sounding + 1) / (self.train.frames.shape[0] + 2)


def piano_rolls(train: FrameSet, test: FrameSet, length: int = 100) -> PianoRolls:
    """The task on rolls as `Music().load` gives them.

    **Arguments:**

    - `train`, `test`: rolls to train on and held-out ones.
    - `length`: steps of a training window.

    **Raises:** `ValueError` where a value is not 0 or 1.
    """
    for part in (train, test):
        Bernoulli(train.frames.shape[1]).admit(part.frames.astype(np.float32), "piano_rolls")
    return PianoRolls(stretches(train), stretches(test), length)
