"""Sums over trees on weights, against the same sums on logarithms, which are tested by enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.numerics.mixed import with_bfloat16_products
from vestige.structures.matrix_tree import draw_parents, eliminate
from vestige.structures.tree_sums import _on_weights, draw_tree, log_tree_sum


def on_logarithms(arcs, roots, present):
    return eliminate(arcs, roots, present).log_partition


def instance(kind, n, seed=0, scale=1.0):
    noise = np.random.default_rng(seed)
    arcs, roots, present = scale * noise.normal(size=(n, n)), np.full(n, -np.inf), np.ones(n, bool)
    roots[n // 2] = 0
    if kind == "free root":
        roots = noise.normal(size=n)
    elif kind == "absent nodes":
        present[1::3] = False
        roots[:] = [0.0 if u == 0 else -np.inf for u in range(n)]
    elif kind == "forbidden arcs":
        arcs[noise.random((n, n)) < 0.4] = -np.inf
    elif kind == "nobody":
        present[:] = False
    elif kind == "nested cycles":  # each level e^-100 below the last: weights lack range
        level = np.array([[int(u // 2 != v // 2) + int(u // 4 != v // 4) for v in range(n)] for u in range(n)])
        arcs -= 100 * level
    return jnp.asarray(arcs, jnp.float32), jnp.asarray(roots, jnp.float32), jnp.asarray(present)


KINDS = ["fixed root", "free root", "absent nodes", "forbidden arcs", "nobody", "nested cycles"]


@pytest.mark.parametrize("kind", KINDS)
def test_value_gradient_and_second_derivatives(kind):
    for n in (1, 2, 6):
        at = instance(kind, n)
        known = jax.value_and_grad(on_logarithms, argnums=(0, 1))(*at)
        found = jax.jit(jax.value_and_grad(log_tree_sum, argnums=(0, 1)))(*at)
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-6), found, known)
    curvature = jax.jit(jax.hessian(on_logarithms))(*at)
    np.testing.assert_allclose(jax.jit(jax.hessian(log_tree_sum))(*at), curvature, atol=1e-6)
    np.testing.assert_allclose(jax.jit(jax.jacrev(jax.grad(log_tree_sum)))(*at), curvature, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_weights_serve_where_they_are_no_extremes(scale):
    for seed in range(20):
        assert _on_weights(*instance("fixed root", 20, seed, scale))[1]
    assert not _on_weights(*instance("nested cycles", 6))[1]


def test_one_of_a_batch_that_lacks_range_leaves_the_others_as_they_are():
    both = [jnp.stack(pair) for pair in zip(instance("nested cycles", 6), instance("free root", 6), strict=True)]
    alone = [log_tree_sum(*instance(kind, 6)) for kind in ("nested cycles", "free root")]
    np.testing.assert_allclose(jax.vmap(log_tree_sum)(*both), jnp.stack(alone), rtol=1e-6)
    twice = jax.vmap(jax.vmap(log_tree_sum))(*(x[:, None] for x in both))
    np.testing.assert_allclose(twice[:, 0], jnp.stack(alone), rtol=1e-6)
    slopes = jax.jit(jax.vmap(jax.grad(lambda *at: jnp.sum(jax.grad(log_tree_sum)(*at) ** 2))))(*both)
    assert bool(jnp.all(jnp.isfinite(slopes)))


def test_double_precision():
    with jax.enable_x64(True):
        arcs, roots, present = instance("free root", 8, scale=8.0)
        at = arcs.astype(jnp.float64), roots.astype(jnp.float64), present
        np.testing.assert_allclose(log_tree_sum(*at), on_logarithms(*at), rtol=1e-13)
        np.testing.assert_allclose(jax.grad(log_tree_sum)(*at), jax.grad(on_logarithms)(*at), atol=1e-12)


@pytest.mark.parametrize("kind", ["fixed root", "free root", "absent nodes", "nested cycles"])
def test_the_same_noise_draws_the_same_trees(kind):
    at = instance(kind, 7)

    def known(key):
        eliminated = eliminate(*at)
        return draw_parents(eliminated.steps, eliminated.kept, key=key)

    keys = jax.random.split(jax.random.key(0), 200)
    found = jax.jit(jax.vmap(lambda key: draw_tree(*at, key=key)))(keys)
    assert len({tuple(tree) for tree in np.asarray(found)}) > (1 if kind == "nested cycles" else 20)
    np.testing.assert_array_equal(found, jax.jit(jax.vmap(known))(keys))


def test_products_are_exact_where_others_are_rounded():
    at = instance("free root", 8)
    both = jax.value_and_grad(log_tree_sum, argnums=(0, 1))
    twice = jax.grad(lambda *at: jnp.sum(jax.grad(log_tree_sum)(*at) ** 2))
    for function in (both, twice):
        rounded = with_bfloat16_products(function)(*at)
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), rounded, function(*at))


def test_an_exported_program_gives_the_same():
    at = instance("free root", 5)
    batch = [jnp.stack([x, x]) for x in at]
    program = jax.export.export(jax.jit(jax.vmap(jax.grad(log_tree_sum))))(*batch)
    found = jax.export.deserialize(program.serialize()).call(*batch)
    np.testing.assert_allclose(found[0], jax.grad(log_tree_sum)(*at), atol=1e-7)
