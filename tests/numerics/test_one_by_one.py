"""Batches whose examples run one after the other. Oracle: the same loop, vectorised."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.numerics.one_by_one import one_by_one
from vestige.structures import Arborescence, Matching
from vestige.structures.contract import ONE_BY_ONE


def halvings(start, limit):
    """How often a number must be halved until it is below a limit, and what is left."""

    def proceed(carried):
        left, count = carried
        return left / 2, count + 1

    left, count = jax.lax.while_loop(lambda carried: carried[0] >= limit, proceed, (start, 0))
    return {"left": left, "count": count}


STARTS, LIMITS = jnp.asarray([[1.0, 64.0, 3.0], [1000.0, 0.5, 7.0]]), jnp.asarray([1.0, 3.0])


def over(f, axes, inner):
    return jax.vmap(jax.vmap(f, inner), axes)


@pytest.mark.parametrize(
    ("axes", "inner", "limits"),
    [((0, 0), (0, None), LIMITS), ((0, None), (0, None), LIMITS[0]), ((0, None), (0, 0), jnp.asarray([1.0, 2.0, 4.0]))],
)
def test_every_way_of_vectorising(axes, inner, limits):
    expected = over(halvings, axes, inner)(STARTS, limits)
    for program in (over(one_by_one(halvings), axes, inner), jax.jit(over(one_by_one(halvings), axes, inner))):
        found = program(STARTS, limits)
        jax.tree.map(np.testing.assert_array_equal, found, expected)
    jax.tree.map(np.testing.assert_array_equal, one_by_one(halvings)(8.0, 1.0), halvings(8.0, 1.0))


def test_nobody_waits_for_the_slowest():
    """On a CPU a batch is a loop over examples; elsewhere it is what `vmap` makes of it."""
    counted = jax.vmap(lambda start: one_by_one(halvings)(start, 1.0))
    loops = {
        platform: jax.jit(counted)
        .trace(STARTS[0])
        .lower(lowering_platforms=(platform,))
        .as_text()
        .count("stablehlo.while")
        for platform in ("cpu", "cuda")
    }
    assert loops == {"cpu": 2, "cuda": 1}


@pytest.mark.parametrize("structure", [Arborescence, Matching])
def test_large_structures_draw_what_small_ones_draw(structure, monkeypatch):
    n, rows = ONE_BY_ONE, 3
    rates = jax.random.normal(jax.random.key(0), (rows, n, n))
    keys = jax.random.split(jax.random.key(1), rows * 2).reshape(rows, 2)

    def draws(rates, keys):
        made = structure(rates)

        def draw(key):
            times = jnp.log(jax.random.exponential(key, (n, n))) - made.log_rates
            return made.run(jnp.where(made.log_rates > -jnp.inf, times, jnp.inf))

        return jax.vmap(draw)(keys)

    apart = jax.jit(jax.vmap(draws))(rates, keys)
    module = __import__(structure.__module__, fromlist=["ONE_BY_ONE"])
    monkeypatch.setattr(module, "ONE_BY_ONE", n + 1)
    together = jax.jit(lambda *given: jax.vmap(draws)(*given))(rates, keys)
    jax.tree.map(np.testing.assert_array_equal, apart, together)


def test_estimators_differentiate_beside_it():
    structure, n = Matching, ONE_BY_ONE
    rates = jax.random.normal(jax.random.key(0), (2, n, n))

    def loss(rates):
        drawn = jax.vmap(lambda rates, key: structure(rates).sample(key=key).value)(
            rates, jax.random.split(jax.random.key(1))
        )
        return jnp.sum(jax.lax.stop_gradient(drawn) * rates)

    slope = jax.grad(loss)(rates)
    assert bool(jnp.all(jnp.isfinite(slope)))
    assert float(jnp.sum(slope)) == 2 * n
