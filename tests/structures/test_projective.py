"""Projective trees: how many there are, which, and how likely."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import GibbsProjectiveArborescence, is_projective

from .test_gibbs import N, directed, projective


@functools.cache
def facts(root, n):
    """One program for each size."""

    @jax.jit
    def run(weights, mask, values):
        one = GibbsProjectiveArborescence(weights, root, mask=mask)
        return {
            "log_partition": one.log_partition(),
            "marginals": one.marginals(),
            "log_probs": jax.vmap(one.log_prob)(values),
            "projective": jax.vmap(lambda value: is_projective(value, one.present_nodes))(values),
            "mode": one.mode(),
        }

    return run


def ternary(n):
    """Trees with n words under an artificial root at the left: those in which everybody has three places for others."""
    return math.comb(3 * n, n) // (2 * n + 1)


def single(n):
    """With one word under it: pairs of such trees, left and right (A006013)."""
    return math.comb(3 * n - 2, n - 1) // n


@pytest.mark.slow
def test_they_are_as_many_as_there_should_be():
    """The closed forms against the listing, and the chart against both."""
    assert len(projective(directed(None))) == single(N) == 30
    assert len(projective(directed(0))) == ternary(N - 1) == 12
    run = facts(None, 9)
    for n in range(10):
        mask = np.zeros(9, bool)
        mask[np.random.default_rng(n).permutation(9)[:n]] = True  # words in the middle are missing
        found = run(np.zeros((9, 9), np.float32), mask, np.zeros((1, 9, 9), np.float32))["log_partition"]
        np.testing.assert_allclose(np.exp(found), single(n) if n else 1, rtol=1e-5)


def test_everything_is_that_of_the_listing():
    weights = 1.5 * np.random.default_rng(0).normal(size=(N, N)).astype(np.float32)
    every = directed(None)
    wanted = projective(every)
    logs = np.array([weights[member > 0].sum(dtype=np.float64) for member in wanted])
    total = np.logaddexp.reduce(logs)
    values = every * (1 - np.eye(N))
    found = jax.device_get(facts(None, N)(weights, np.ones(N, bool), values.astype(np.float32)))
    np.testing.assert_allclose(found["log_partition"], total, rtol=1e-5)
    among = np.array([any((member == one).all() for one in wanted) for member in every])
    np.testing.assert_array_equal(found["projective"], among)
    np.testing.assert_allclose(found["log_probs"][among], logs - total, atol=1e-5)
    assert (found["log_probs"][~among] == -np.inf).all()
    expected = np.tensordot(np.exp(logs - total), wanted * (1 - np.eye(N)), 1)
    np.testing.assert_allclose(found["marginals"], expected, atol=1e-5)
    np.testing.assert_array_equal(found["mode"].value, wanted[np.argmax(logs)] * (1 - np.eye(N)))
    assert found["mode"].valid


@pytest.mark.slow
def test_where_there_is_no_tree():
    """Words 0 and 2 can only be reached across each other's arcs: 0 → 2 → 1 → 3 is a tree, but not projective."""
    weights = np.full((N, N), -np.inf, np.float32)
    for u, v in ((0, 2), (2, 1), (1, 3), (0, 0)):
        weights[u, v] = 0.0
    found = jax.device_get(facts(None, N)(weights, np.ones(N, bool), np.zeros((1, N, N), np.float32)))
    assert found["log_partition"] == -np.inf and not found["mode"].valid and np.isnan(found["mode"].log_prob)
    np.testing.assert_array_equal(found["marginals"], 0)


@pytest.mark.slow
def test_what_is_refused_and_half_precision_and_export():
    with pytest.raises(ValueError, match="root must be one of the 3 nodes"):
        GibbsProjectiveArborescence(jnp.zeros((3, 3)), 3)
    with pytest.raises(ValueError, match="no projective arborescence"):
        GibbsProjectiveArborescence(jnp.full((3, 3), -jnp.inf)).mode()
    one = GibbsProjectiveArborescence(jnp.zeros((3, 3), jnp.bfloat16), None)
    np.testing.assert_allclose(jnp.exp(one.log_partition()), 7, rtol=1e-5)
    exported = jax.export.export(jax.jit(lambda x: GibbsProjectiveArborescence(x, None).entropy()))(
        jax.ShapeDtypeStruct((3, 3), jnp.float32)
    )
    np.testing.assert_allclose(exported.call(np.zeros((3, 3), np.float32)), np.log(7), rtol=1e-5)
