"""Sequences and models for the rules on long sequences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int

from tests.drawn import drawn
from vestige.cells import LSTM, AbstractParallelCell, Fixed
from vestige.models.longterm import Classes, Detector, LongTermModel, Number, Token, Vector
from vestige.sequences import AbstractSequence, ArraySequence, Window
from vestige.typing import Batch


class Forgets(AbstractParallelCell[Array]):
    """Remembers nothing: its output is always zero."""

    output_size: int = eqx.field(static=True, default=1)
    drive_size: int = eqx.field(static=True, default=1)

    def init(self):
        return jnp.zeros(1)

    def __call__(self, state, x, drive=None):
        return state, jnp.zeros(1)

    def parallel(self, state, xs, drive=None, mask=None):
        nothing = jnp.zeros((xs.shape[0], 1))
        return nothing, nothing


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


@eqx.filter_jit
def cues(rows: int, length: int, *, key) -> Batch:
    symbols = jax.random.randint(key, (rows,), 0, SYMBOLS, jnp.int32)
    return Batch(jax.vmap(lambda s: Cue(s, jnp.array(length, jnp.int32)))(symbols))


@eqx.filter_jit
def token_model(
    *, key, hidden: int = 16, keep: float = 3.0, tokens: int = SYMBOLS + 2, classes: int = SYMBOLS + 1, cell=None
) -> LongTermModel:
    keys = jax.random.split(key, 6)
    return LongTermModel(
        Token(tokens, 8, key=keys[0]),
        LSTM(8, hidden, retention=Fixed(keep, -keep), key=keys[1]) if cell is None else cell,
        Token(tokens, 8, key=keys[2]),
        Classes(classes),
        Detector(Token(tokens, 8, key=keys[3]), classes, width=8, key=keys[4]),
        width=16,
        key=keys[5],
    )


def seed_of(key) -> int:
    return int(jax.random.key_data(key)[-1])


def number_model(*, key, context: int = 1) -> LongTermModel:
    def build(key):
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

    return drawn(build, seed=seed_of(key))


def numbers(lengths: list[int], *, key, steps: int | None = None, only_last: bool = False) -> Batch:
    """Sequences in memory with real inputs and outcomes, padded with garbage."""
    steps = max(lengths) if steps is None else steps
    noise, step, length = np.random.default_rng(seed_of(key)), np.arange(steps), np.array(lengths)[:, None]
    inputs, outcomes = noise.normal(size=(len(lengths), steps, 2)), noise.normal(size=(len(lengths), steps))
    inputs = jnp.asarray(np.where((step < length)[:, :, None], inputs, 1e6))
    outcomes = jnp.asarray(np.where(step < length, outcomes, -1e6))
    known = step == length - 1 if only_last else step < length
    return _sequences(inputs, outcomes, length[:, 0].astype(np.int32), known)


@jax.jit
def _sequences(inputs, outcomes, length, known):
    return Batch(jax.vmap(ArraySequence)(inputs, outcomes, length, known))


def trained(rule, model, draw, updates: int, *, key, rate: float = 1e-2):
    """The model after Adam on batches `draw(key)`, and what the rule reported at every update."""
    optimiser = optax.adam(rate)
    arrays, rest = eqx.partition(model, eqx.is_inexact_array)
    state = optimiser.init(arrays), rule.init(model, draw(key), key=key)

    def update(loop, index):
        arrays, (moments, carry) = loop
        keys = jax.random.split(jax.random.fold_in(key, index))
        step = rule.step(eqx.combine(arrays, rest), carry, draw(keys[0]), key=keys[1])
        moves, moments = optimiser.update(step.grads, moments, arrays)
        return (optax.apply_updates(arrays, moves), (moments, step.carry)), step.metrics

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        (arrays, _), metrics = jax.jit(lambda loop: jax.lax.scan(update, loop, jnp.arange(updates)))((arrays, state))
    return eqx.combine(arrays, rest), jax.tree.map(np.asarray, metrics)


def close64(one, other, tolerance=1e-10):
    """Equal up to `tolerance` of the largest number in each array."""

    def check(a, b):
        assert a.dtype == b.dtype and a.dtype in (jnp.float64, jnp.complex128)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(float(np.max(np.abs(b))), 1e-30))

    jax.tree.map(check, one, other)


def temporary_bytes(rule, length, key):
    """What the compiled update needs beside its arguments and results."""
    model, batch = token_model(key=key), cues(8, length, key=key)
    carry = rule.init(model, batch, key=key)
    compiled = eqx.filter_jit(rule.step).lower(model, carry, batch, key=key).compile()
    return compiled.compiled.memory_analysis().temp_size_in_bytes
