"""Products in bfloat16: every registered rule makes its updates with them, in the same shapes and dtypes."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import quick_first
from tests.conformance.test_rules import SMALL, shared
from vestige.registries import registry

CARDS = lambda tree: [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array))]


@pytest.mark.parametrize("name", quick_first(list(registry("rule").items()), kind=lambda rule: rule.needs))
@pytest.mark.few(1)
def test_updates_with_rounded_products(name):
    needs = registry("rule")[name].needs
    experiment = dataclasses.replace(SMALL[needs].choose({"rule": name}), batch_size=3, precision="bfloat16")
    built, batch = shared(needs)
    plain = experiment.rule.build(experiment.model, built.task)
    rule = experiment.trained_by(plain)
    key = jax.random.key(1)
    carry = plain.init(built.model, batch, key=key)
    assert CARDS(rule.init(built.model, batch, key=key)) == CARDS(carry)
    step = eqx.filter_jit(lambda rule, model, carry, batch, key: rule.step(model, carry, batch, key=key))
    exact, done = (step(one, built.model, carry, batch, key) for one in (plain, rule))
    assert CARDS(done) == CARDS(exact)
    grads = [eqx.filter(made.grads, eqx.is_inexact_array) for made in (done, exact)]
    found, wanted = (jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(one)]) for one in grads)
    assert np.isfinite(found).all()
    assert np.any(np.asarray(found) != np.asarray(wanted)), "no product was rounded"
    followed = step(rule, built.model, done.carry, batch, key)
    assert CARDS(followed.carry) == CARDS(carry)


def test_the_slope_is_nearly_that_of_float32():
    built, batch = shared("objective")
    experiment = SMALL["objective"]
    rule = experiment.rule.build(experiment.model, built.task)
    rounded = dataclasses.replace(experiment, precision="bfloat16").trained_by(rule)
    step = eqx.filter_jit(lambda rule, model, batch, key: rule.step(model, None, batch, key=key))
    found, wanted = (
        jnp.concatenate(
            [leaf.ravel() for leaf in jax.tree.leaves(step(one, built.model, batch, jax.random.key(0)).grads)]
        )
        for one in (rounded, rule)
    )
    away = float(jnp.linalg.norm(found - wanted) / jnp.linalg.norm(wanted))
    assert 1e-5 < away < 0.02, away
    assert experiment.trained_by(rule) is rule
