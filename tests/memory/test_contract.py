"""The conformance suite of the memory contract: a new memory adds one line to MEMORIES."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import Introspection, NoMemory, SigmoidNorm, SoftplusNorm

LATENT, HIDDEN, STEPS = 3, 5, 9

MEMORIES = {
    "none": lambda key: NoMemory(HIDDEN),
    "introspection": lambda key: Introspection(LATENT, HIDDEN, slots=4, key=key),
    "introspection, 3 heads": lambda key: Introspection(LATENT, HIDDEN, slots=4, heads=3, key=key),
    "introspection, one slot": lambda key: Introspection(LATENT, HIDDEN, slots=1, key=key),
    "introspection, softplus": lambda key: Introspection(
        LATENT, HIDDEN, slots=4, weighting=SoftplusNorm(), scalar_gate=True, key=key
    ),
    "introspection, sigmoid, h": lambda key: Introspection(
        LATENT, HIDDEN, slots=4, weighting=SigmoidNorm(), include_controller_state=True, key=key
    ),
}


@pytest.fixture(params=MEMORIES)
def memory(request):
    return MEMORIES[request.param](jax.random.key(7))


def sequence(key, scale=1.0):
    key_z, key_h = jax.random.split(key)
    return (
        scale * jax.random.normal(key_z, (STEPS, LATENT)),
        scale * jax.random.normal(key_h, (STEPS, HIDDEN)),
    )


def follow(memory, zs, hs):
    def step(state, x):
        z, h = x
        context, state, info = memory.read(state, h)
        return memory.write(state, z, h), (context, info)

    return jax.lax.scan(step, memory.init(), (zs, hs))


def test_context_has_the_promised_size(memory, key):
    _, (context, _) = follow(memory, *sequence(key))
    assert context.shape == (STEPS, memory.context_size)


def test_a_read_sees_only_what_was_written_before(memory, key):
    zs, hs = sequence(key)
    _, (before, _) = follow(memory, zs, hs)
    _, (after, _) = follow(memory, zs.at[5].add(1.0), hs)
    np.testing.assert_array_equal(before[:6], after[:6])


def test_finite_everywhere_gradient_included(memory, key):
    for scale in (0.0, 1.0, 1e4):
        zs, hs = sequence(key, scale)

        @eqx.filter_value_and_grad
        def total(parts, zs=zs, hs=hs):
            memory, zs_, hs_ = parts
            return jnp.sum(follow(memory, zs_, hs_)[1][0])

        value, gradients = total((memory, zs, hs))
        assert bool(jnp.isfinite(value))
        for leaf in jax.tree.leaves(gradients):
            assert bool(jnp.all(jnp.isfinite(leaf)))


def test_jit_and_vmap_change_nothing(memory, key):
    rows = [sequence(jax.random.fold_in(key, row)) for row in range(3)]
    zs, hs = (jnp.stack(part) for part in zip(*rows, strict=True))
    together = eqx.filter_jit(jax.vmap(lambda z, h: follow(memory, z, h)[1][0]))(zs, hs)
    for row, (z, h) in enumerate(rows):
        np.testing.assert_allclose(together[row], follow(memory, z, h)[1][0], rtol=1e-5, atol=1e-6)


def test_weights_are_a_distribution_over_written_slots(memory, key):
    _, (_, info) = follow(memory, *sequence(key))
    if "read_weights" not in info:
        assert memory.context_size == HIDDEN
        return
    weights = np.asarray(info["read_weights"])
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights[1:].sum(-1), 1, atol=1e-5)
    for step, row in enumerate(weights):
        assert (row[:, step:] == 0).all()


def test_a_long_adversarial_run_stays_finite(memory, key):
    def step(state, t):
        k = jax.random.fold_in(key, t)
        h = jnp.where(t % 3 == 0, 0.0, 1e6) * jax.random.normal(k, (HIDDEN,))
        context, state, _ = memory.read(state, h)
        return memory.write(state, jnp.where(t % 2 == 0, 0.0, 1e6) * jnp.ones(LATENT), h), jnp.sum(context)

    _, sums = jax.lax.scan(step, memory.init(), jnp.arange(20_000))
    assert bool(jnp.all(jnp.isfinite(sums)))
