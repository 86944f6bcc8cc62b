"""Several choices at once, each by itself: bits, or classes in rows."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.structures.contract import AbstractSequential, LogRates, checked_rates, indicator, kept, rows_of_options
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import Rows


class RaceInEveryRow(AbstractRecursion):
    """All races at once, one in each of `rows` rows of `options` keys; then it is over."""

    def __init__(self, rows: int, options: int):
        self.rows, self.options = rows, options

    def start(self) -> bool:
        return False

    def split(self, state: bool) -> Mapping[int, frozenset[int]]:
        if state:
            return {}
        keys = range(self.rows * self.options)
        return {row: frozenset(keys[row * self.options : (row + 1) * self.options]) for row in range(self.rows)}

    def advance(self, state: bool, winners: Mapping[int, int]) -> bool:
        return True


class Choices(AbstractSequential[Rows]):
    """One option in every row, the rows independent of each other: a vector of classes, or with two options of bits.

    The value is one-hot in every row, (rows, options); trace and value are the same thing. O(rows · options).
    A bit with logit a is a row with the log-rates (a, 0): `value[:, 0]` is 1 with probability sigma(a).

    **Arguments:**

    - `log_rates`: (rows, options), softmax logits of each row up to a constant.
    - `mask`: (rows,), False for rows that are not there; their value is all zeros.

    **Raises:** `ValueError` for a wrong shape; for NaN, +inf, and where a row inside the mask has no
    possible option.
    """

    rates: LogRates
    mask: Bool[Array, " rows"] | None

    def __init__(self, log_rates: Float[Array, "rows options"], *, mask: Bool[Array, " rows"] | None = None):
        rows_of_options(log_rates, "Choices")
        if mask is not None:
            log_rates = kept(log_rates, jnp.broadcast_to(mask[:, None], log_rates.shape))
        self.rates = LogRates(checked_rates(log_rates, "Choices"))
        self.mask = mask

    def run(self, log_times: Float[Array, "rows options"]) -> Rows:
        rows, options = log_times.shape
        first = jnp.argmin(log_times, axis=1).astype(jnp.int32)
        winners = first + options * jnp.arange(rows, dtype=jnp.int32)
        return Rows(jnp.where(jnp.min(log_times, axis=1) < jnp.inf, winners, -1), options)

    def value(self, trace: Rows) -> Float[Array, "rows options"]:
        return indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace: Rows) -> Bool[Array, ""]:
        there = trace.winners >= 0
        return jnp.all(there if self.mask is None else there | ~self.mask)

    def recursion(self) -> RaceInEveryRow:
        return RaceInEveryRow(*self.log_rates.shape)

    @property
    def incomplete(self) -> str:
        return "Choices: a row has no possible option. Leave it out by the mask."


def bits(logits: Float[Array, " bits"]) -> Choices:
    """Independent bits: `value[:, 0]` of a draw is 1 with probability sigma(logit).

    **Arguments:**

    - `logits`: (bits,).

    **Returns:** choices of 2 options, one row a bit.

    **Raises:** `ValueError` for NaN and +inf.
    """
    return Choices(jnp.stack([logits, jnp.zeros_like(logits)], axis=1))
