"""Scoring passes of the slots that need one, few or many."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Int

from tests.rules.longterm import number_model, numbers
from vestige.rules import Candidates, Slots, Surprise
from vestige.rules.refresh import TOGETHER, scored
from vestige.rules.score_pass import score_pass
from vestige.sequences import AbstractSequence, Window

ROWS = 40


@pytest.mark.parametrize(
    "wanted", [[], [3], [39, 0, 17], list(range(1, 40, 4)), list(range(0, 40, 2)), list(range(40))]
)
def test_those_wanted_are_scored_and_no_others(wanted, key):
    """One at a time would find the same; some of these sets are more than one group, some more than a quarter."""
    assert TOGETHER < 10
    model, batch = number_model(key=key), numbers([20 + row % 7 for row in range(ROWS)], key=key)
    starts = jnp.arange(ROWS, dtype=jnp.int32) % 9
    slots = Slots(batch.inputs, starts, jnp.zeros(ROWS))
    before = Candidates(jnp.full((ROWS, 4), 99, jnp.int32), jnp.full((ROWS, 4), 7.0))
    sizes = {"count": 4, "scan_chunk": 8}
    chosen = jnp.zeros(ROWS, bool).at[jnp.array(wanted, jnp.int32)].set(True)
    known = jax.jit(lambda w: scored(Surprise(), model, before, slots, wanted=w, key=key, **sizes))(chosen)

    def one(row):
        sequence, start = jax.tree.map(lambda leaf: leaf[row], (batch.inputs, starts))
        return score_pass(Surprise(), model, sequence, start=start, key=jax.random.fold_in(key, row), **sizes)

    alone = jax.jit(jax.vmap(one))(jnp.arange(ROWS))
    expected = np.where(np.asarray(chosen)[:, None], alone.steps, before.steps)
    np.testing.assert_array_equal(known.steps, expected)
    np.testing.assert_allclose(known.scores, np.where(np.asarray(chosen)[:, None], alone.scores, 7.0), rtol=1e-5)


class Noted(AbstractSequence):
    """Tells the host of every window that is made of it."""

    length: Int[Array, ""]
    notes: list = eqx.field(static=True)

    def window(self, start, size):
        jax.debug.callback(lambda length: self.notes.append(int(length)), self.length)
        steps = start + jnp.arange(size, dtype=start.dtype)
        inside = (steps >= 0) & (steps < self.length)
        return Window(jnp.zeros((size, 2)), jnp.zeros(size), inside, inside)


@pytest.mark.parametrize("wanted", [[5], list(range(20))])
def test_long_sequences_that_nobody_asks_about_are_not_read(wanted, key):
    notes = []
    lengths = jnp.full(ROWS, 400, jnp.int32).at[jnp.array(wanted)].set(8)
    batch = jax.jit(jax.vmap(lambda length: Noted(length, notes)))(lengths)
    slots = Slots(batch, jnp.zeros(ROWS, jnp.int32), jnp.zeros(ROWS))
    chosen = jnp.zeros(ROWS, bool).at[jnp.array(wanted)].set(True)
    nothing = Candidates(jnp.zeros((ROWS, 4), jnp.int32), jnp.full((ROWS, 4), -jnp.inf))
    model, sizes = number_model(key=key), {"count": 4, "scan_chunk": 8}
    found = jax.jit(lambda w: scored(Surprise(), model, nothing, slots, wanted=w, key=key, **sizes))(chosen)
    jax.block_until_ready(found)
    jax.effects_barrier()
    assert set(notes) == {8}
