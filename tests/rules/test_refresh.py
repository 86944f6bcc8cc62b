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


SIZES = {"count": 4, "scan_chunk": 8}


@eqx.filter_jit
def scored_again(model, before, slots, wanted, key):
    return scored(Surprise(), model, before, slots, wanted=wanted, key=key, **SIZES)


@eqx.filter_jit
def one_by_one(model, sequences, starts, key):
    def one(sequence, start, row):
        return score_pass(Surprise(), model, sequence, start=start, key=jax.random.fold_in(key, row), **SIZES)

    return jax.vmap(one)(sequences, starts, jnp.arange(ROWS))


@pytest.mark.parametrize(
    "wanted", [[], [3], [39, 0, 17], list(range(1, 40, 4)), list(range(0, 40, 2)), list(range(40))]
)
def test_those_wanted_are_scored_and_no_others(wanted, key):
    """One at a time would find the same; some of these sets are more than one group, some more than a quarter."""
    assert TOGETHER < 10
    model, batch = number_model(key=key), numbers([20 + row % 7 for row in range(ROWS)], key=key)
    starts = jnp.asarray(np.arange(ROWS, dtype=np.int32) % 9)
    slots = Slots(batch.inputs, starts, jnp.zeros(ROWS))
    before = Candidates(jnp.full((ROWS, 4), 99, jnp.int32), jnp.full((ROWS, 4), 7.0))
    chosen = np.isin(np.arange(ROWS), wanted)
    known = scored_again(model, before, slots, jnp.asarray(chosen), key)
    alone = one_by_one(model, batch.inputs, starts, key)
    np.testing.assert_array_equal(known.steps, np.where(chosen[:, None], alone.steps, before.steps))
    np.testing.assert_allclose(known.scores, np.where(chosen[:, None], alone.scores, 7.0), rtol=1e-5)


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
    chosen = np.isin(np.arange(ROWS), wanted)
    lengths = np.where(chosen, 8, 400).astype(np.int32)
    batch = jax.jit(jax.vmap(lambda length: Noted(length, notes)))(lengths)
    slots = Slots(batch, jnp.zeros(ROWS, jnp.int32), jnp.zeros(ROWS))
    nothing = Candidates(jnp.zeros((ROWS, 4), jnp.int32), jnp.full((ROWS, 4), -jnp.inf))
    found = scored_again(number_model(key=key), nothing, slots, jnp.asarray(chosen), key)
    jax.block_until_ready(found)
    jax.effects_barrier()
    assert set(notes) == {8}
