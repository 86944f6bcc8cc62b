"""Surveys of the slots that want one, few or many."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.rules.longterm import number_model, numbers
from vestige.rules import Candidates, Slots, Surprise
from vestige.rules.refresh import TOGETHER, surveyed
from vestige.rules.survey import survey

ROWS = 40


@pytest.mark.parametrize(
    "wanted", [[], [3], [39, 0, 17], list(range(1, 40, 4)), list(range(0, 40, 2)), list(range(40))]
)
def test_those_wanted_are_surveyed_and_no_others(wanted, key):
    """One at a time would find the same; some of these sets are more than one group, some more than a quarter."""
    assert TOGETHER < 10
    model, batch = number_model(key=key), numbers([20 + row % 7 for row in range(ROWS)], key=key)
    starts = jnp.arange(ROWS, dtype=jnp.int32) % 9
    slots = Slots(batch.inputs, starts, jnp.zeros(ROWS))
    before = Candidates(jnp.full((ROWS, 4), 99, jnp.int32), jnp.full((ROWS, 4), 7.0))
    sizes = {"count": 4, "chunk": 8}
    chosen = jnp.zeros(ROWS, bool).at[jnp.array(wanted, jnp.int32)].set(True)
    known = jax.jit(lambda w: surveyed(Surprise(), model, before, slots, wanted=w, key=key, **sizes))(chosen)

    def one(row):
        sequence, start = jax.tree.map(lambda leaf: leaf[row], (batch.inputs, starts))
        return survey(Surprise(), model, sequence, start=start, key=jax.random.fold_in(key, row), **sizes)

    alone = jax.jit(jax.vmap(one))(jnp.arange(ROWS))
    expected = np.where(np.asarray(chosen)[:, None], alone.steps, before.steps)
    np.testing.assert_array_equal(known.steps, expected)
    np.testing.assert_allclose(known.scores, np.where(np.asarray(chosen)[:, None], alone.scores, 7.0), rtol=1e-5)
