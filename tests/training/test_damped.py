"""Momentum with growing mass against its recursion in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.models.families import Bernoulli
from vestige.models.harmonium import RecurrentHarmonium
from vestige.tasks.filtering.momentum_groups import POPULATION, MomentumGroups
from vestige.training.damped import mass_spring_damper
from vestige.training.harmonium_momentum import harmonium_momentum


def test_updates_are_those_of_the_recursion():
    growth = lambda n: 1.0 + 0.5 * n
    momentum = lambda n: 0.9 - 0.1 * n
    decay = lambda n: 0.01 * (n + 1)
    rule = mass_spring_damper(lambda w: {"a": 2.0, "b": 8.0}, growth=growth, momentum=momentum, decay=decay)
    weights = {"a": jnp.asarray([1.0, -2.0]), "b": jnp.asarray([0.5])}
    gradients = [{"a": jnp.asarray([0.3, 0.1]), "b": jnp.asarray([-1.0])} for _ in range(4)]
    state = rule.init(weights)
    by_hand = {name: np.asarray(w, np.float64) for name, w in weights.items()}
    speed = {name: np.zeros_like(w) for name, w in by_hand.items()}
    for n, gradient in enumerate(gradients):
        changes, state = rule.update(gradient, state, weights)
        weights = optax.apply_updates(weights, changes)
        for name, mass in (("a", 2.0), ("b", 8.0)):
            push = -np.asarray(gradient[name], np.float64) / (growth(n) * mass)
            speed[name] = -decay(n) * by_hand[name] + momentum(n) * speed[name] + push
            by_hand[name] = by_hand[name] + speed[name]
            np.testing.assert_allclose(weights[name], by_hand[name], rtol=1e-5)
    with pytest.raises(ValueError, match="needs the parameters"):
        rule.update(gradients[0], state)


@pytest.mark.parametrize(
    ("schedule", "growth", "momentum", "decay"),
    [
        ("exponential", 1.1**2, 0.98 - 0.5 / 1.1**2, 2e-6 / 1.1**2),
        ("hyperbolic", 1 / (1 - 1 / 4), 0.9, 0.0),
        ("logistic", 0.5 + 1000 / (1 + np.exp(7.5 - 2 / 8)), None, None),
    ],
)
def test_schedules_of_the_authors_in_their_second_epoch(schedule, growth, momentum, decay, key):
    """Two updates with the same gradient from rest; the first at the end of epoch one of four."""
    model = jax.tree.map(lambda w: w + 0.7, RecurrentHarmonium(Bernoulli(2), 3, key=key))
    rule = harmonium_momentum(MomentumGroups(schedule, epoch=1, state_weights=40.0, input_weights=50.0), 4)
    ones = jax.tree.map(jnp.ones_like, model)
    _, state = rule.update(ones, rule.init(model), model)
    second, _ = rule.update(ones, state, model)
    first_speed = np.asarray(state.velocity.state_bias)
    if momentum is None:
        momentum, decay = 0.98 - 0.5 / growth, 0.1 / (growth * 12.0)
    expected = momentum * first_speed - decay * np.asarray(model.state_bias) - 1 / (growth * 12.0)
    np.testing.assert_allclose(second.state_bias, expected, rtol=1e-5)
    if schedule == "hyperbolic":  # without a decay the push alone is left
        push = np.asarray(second.state_weights - momentum * state.velocity.state_weights)
        np.testing.assert_allclose(push, -1 / (growth * 40.0), rtol=1e-5)


def test_another_model_is_refused():
    rule = harmonium_momentum(POPULATION, 10)
    weights = {"a": jnp.zeros(2)}
    with pytest.raises(ValueError, match="is one for recurrent harmoniums, got dict"):
        rule.update(weights, rule.init(weights), weights)
