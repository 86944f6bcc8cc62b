"""Sequences and models for the rules on long sequences."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from vestige.cells import LSTM, Fixed
from vestige.models.longterm import Classes, Detector, LongTermModel, Number, Token, Vector
from vestige.sequences import AbstractSequence, ArraySequence, Window
from vestige.typing import Batch

SYMBOLS, BLANK, ASK = 4, 4, 5


class Cue(AbstractSequence):
    """A symbol, then blanks, then the question which it was."""

    symbol: Int[Array, ""]
    length: Int[Array, ""]

    def window(self, start: Int[Array, ""], size: int) -> Window:
        step = start + jnp.arange(size, dtype=start.dtype)
        inside, last = (step >= 0) & (step < self.length), step == self.length - 1
        inputs = jnp.where(step == 0, self.symbol, jnp.where(last, ASK, BLANK))
        return Window(inputs, jnp.where(last, self.symbol, BLANK), inside, inside)


def cues(rows: int, length: int, *, key) -> Batch:
    symbols = jax.random.randint(key, (rows,), 0, SYMBOLS)
    return Batch(jax.vmap(lambda s: Cue(s, jnp.array(length)))(symbols))


def token_model(*, key, hidden: int = 16, keep: float = 3.0) -> LongTermModel:
    keys = jax.random.split(key, 6)
    return LongTermModel(
        Token(SYMBOLS + 2, 8, key=keys[0]),
        LSTM(8, hidden, retention=Fixed(keep, -keep), key=keys[1]),
        Token(SYMBOLS + 2, 8, key=keys[2]),
        Classes(SYMBOLS + 1),
        Detector(Token(SYMBOLS + 2, 8, key=keys[3]), SYMBOLS + 1, width=8, key=keys[4]),
        width=16,
        key=keys[5],
    )


def number_model(*, key, context: int = 1) -> LongTermModel:
    keys = jax.random.split(key, 6)
    return LongTermModel(
        Vector(2, 5, key=keys[0]),
        LSTM(5, 6, key=keys[1]),
        Vector(2, 5, key=keys[2]),
        Number(),
        Detector(Vector(2, 4, key=keys[3]), 1, context=context, width=4, key=keys[4]),
        width=7,
        key=keys[5],
    )


def numbers(lengths: list[int], *, key, steps: int | None = None, only_last: bool = False) -> Batch:
    """Sequences in memory with real inputs and outcomes, padded with garbage."""
    steps = max(lengths) if steps is None else steps
    keys = jax.random.split(key, 2)
    inputs = jax.random.normal(keys[0], (len(lengths), steps, 2))
    outcomes = jax.random.normal(keys[1], (len(lengths), steps))

    def one(inputs, outcomes, length):
        step = jnp.arange(steps)
        known = step == length - 1 if only_last else step < length
        inputs = jnp.where((step < length)[:, None], inputs, 1e6)
        return ArraySequence(inputs, jnp.where(step < length, outcomes, -1e6), length, known)

    return Batch(jax.vmap(one)(inputs, outcomes, jnp.array(lengths)))
