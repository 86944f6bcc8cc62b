"""Draws that generators share."""

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np

from vestige.tasks.longterm.draws import drawn_at, steps_of, subset


def test_every_set_is_drawn_equally_often(key):
    draws = np.asarray(jax.jit(jax.vmap(lambda k: subset(5, 2, key=k)))(jax.random.split(key, 20_000)))
    found, counts = np.unique(draws, axis=0, return_counts=True)
    np.testing.assert_array_equal(found, list(combinations(range(5), 2)))
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(20_000 * 0.1 * 0.9)


def test_all_and_none(key):
    np.testing.assert_array_equal(subset(6, 6, key=key), np.arange(6))
    assert subset(6, 0, key=key).shape == (0,)
    assert subset(2**31 - 2, 3, key=key).dtype == jnp.int32


def test_steps_outside_are_replaced():
    steps, inside = steps_of(jnp.array(-1), 5, jnp.array(3, jnp.int32))
    np.testing.assert_array_equal(steps, [0, 0, 1, 2, 0])
    np.testing.assert_array_equal(inside, [False, True, True, True, False])


def test_a_draw_belongs_to_its_step(key):
    draws = drawn_at(jnp.arange(9), jax.random.uniform, key=key)
    np.testing.assert_array_equal(drawn_at(jnp.arange(4, 7), jax.random.uniform, key=key), draws[4:7])
    np.testing.assert_array_equal(draws[5], jax.random.uniform(jax.random.fold_in(key, 5)))
    assert len(np.unique(draws)) == 9
