"""Rounds of one size give what all rows at once give."""

import jax
import jax.numpy as jnp
import pytest

from vestige.numerics import batched_map


@pytest.mark.parametrize("count", [1, 4, 5, 6, 11])
@pytest.mark.few(3)
def test_as_all_at_once_and_traced_once(count):
    traced = []

    def f(row):
        traced.append(row)
        number, key = row
        return {"sum": number.sum(), "drawn": number + jax.random.normal(key)}

    rows = (jnp.arange(2.0 * count).reshape(count, 2), jax.random.split(jax.random.key(0), count))
    found = batched_map(f, rows, at_most=5)
    assert len(traced) == 1
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(jax.jit(jax.vmap(f))(rows)), strict=True):
        assert a.shape[0] == count
        assert jnp.array_equal(a, b)
