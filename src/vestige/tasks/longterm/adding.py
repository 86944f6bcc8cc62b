"""Adding: the sum of two marked numbers among many."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence, Window
from vestige.tasks.longterm.contract import AbstractLongTask
from vestige.tasks.longterm.draws import at_least, drawn_at, drawn_length, in_range, steps_of
from vestige.typing import Key, Metrics


class AddSequence(AbstractSequence):
    """At every step a number in [0, 1) and a mark, 1 at two steps and 0 elsewhere; at the last step their sum."""

    marked: Int[Array, "2"]
    length: Int[Array, ""]
    key: Key

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps, inside = steps_of(start, size, self.length)
        numbers = drawn_at(steps, jax.random.uniform, key=self.key)
        marks = jnp.any(steps[:, None] == self.marked[None, :], axis=1).astype(numbers.dtype)
        total = jnp.sum(drawn_at(self.marked, jax.random.uniform, key=self.key))
        known = inside & (steps == self.length - 1)
        return Window(jnp.stack([numbers, marks], axis=1), jnp.full_like(numbers, total), known, inside)


class Add(AbstractLongTask):
    """The adding problem (MemUP section 5.1): U[0, 1) at `length` steps, one marked in each half, their sum at the end.

    With an odd length the second half is the longer one. With `min_length`, sequences to train on have from that
    to `length` steps, every octave of lengths for the same share of all steps; held-out ones always have `length`.

    Metric: `mse`, the squared error, not halved. Who always answers 1 has 1/6, who knows one of the two has 1/12.

    **Raises:** `ValueError` where `length` or `min_length` is below 2, or `min_length > length`.
    """

    length: int = eqx.field(static=True)
    min_length: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        at_least(2, "Add", length=self.length, min_length=self.length if self.min_length is None else self.min_length)
        in_range("Add", "min_length", self.min_length, "length", self.length)

    @property
    def steps(self) -> int:
        return self.length

    @property
    def max_distance(self) -> int:
        return self.length

    @property
    def tokens(self) -> None:
        return None

    @property
    def features(self) -> int:
        return 2

    @property
    def classes(self) -> None:
        return None

    def sequence(self, *, key: Key) -> AddSequence:
        return self._of(drawn_length(self.length, self.min_length, key=jax.random.fold_in(key, 1)), key)

    def held_out(self, *, key: Key) -> AddSequence:
        return self._of(jnp.array(self.length, jnp.int32), key)

    def _of(self, length: Int[Array, ""], key: Key) -> AddSequence:
        key_marks, key_steps = jax.random.split(key)
        half = length // 2
        starts, ends = jnp.stack([jnp.zeros_like(half), half]), jnp.stack([half, length])
        return AddSequence(jax.random.randint(key_marks, (2,), starts, ends, jnp.int32), length, key_steps)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length[None] - 1

    def prediction_metrics(
        self, predictions: Float[Array, "queries 1"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        return {"mse": jnp.square(predictions[:, 0] - outcomes)}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance is the variance of the sum of two uniform numbers."""
        return {"mse": {"best": 0.0, "chance": 1 / 6}}
