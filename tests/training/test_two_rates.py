"""Updates of models that draw a latent structure."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array

from vestige.rules.specs import GradientSpec
from vestige.training.optimisers import AdamSpec, TwoRatesSpec


class Drawing(eqx.Module):
    latent: ClassVar[tuple[str, ...]] = ("scorer",)
    annealed: ClassVar[tuple[str, ...]] = ("exploration",)
    scorer: Array
    reader: Array
    exploration: Array


class Plain(eqx.Module):
    scorer: Array


def updates(spec, model, slopes, steps):
    """The models after each of some updates with the same gradients."""
    optimiser = spec.build(steps, task=None, rule=GradientSpec())
    state, found = optimiser.init(model), []
    step = jax.jit(optimiser.update)
    for _ in range(steps):
        change, state = step(slopes, state, model)
        model = optax.apply_updates(model, change)
        found.append(model)
    return found


def test_what_draws_learns_slower_and_exploration_falls_along_a_line():
    model = Drawing(jnp.zeros(2), jnp.zeros(2), jnp.array(0.2))
    slopes = Drawing(jnp.ones(2), jnp.ones(2), jnp.array(0.0))
    found = updates(TwoRatesSpec(0.1, "constant", latent=0.5, explore=0.5), model, slopes, 8)
    np.testing.assert_allclose(found[-1].reader, -0.8, rtol=1e-5)
    np.testing.assert_allclose(found[-1].scorer, -0.4, rtol=1e-5)
    np.testing.assert_allclose([m.exploration for m in found], [0.15, 0.1, 0.05, 0, 0, 0, 0, 0], atol=1e-7)


def test_a_model_that_names_nothing_learns_as_by_adam():
    one, two = (
        updates(spec, Plain(jnp.zeros(2)), Plain(jnp.array([1.0, -3.0])), 3)[-1].scorer
        for spec in (TwoRatesSpec(0.1), AdamSpec(0.1))
    )
    np.testing.assert_array_equal(one, two)


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="latent must be positive, got 0"):
        TwoRatesSpec(latent=0.0)
    with pytest.raises(ValueError, match="explore must be in"):
        TwoRatesSpec(explore=1.5)
    assert TwoRatesSpec(decay="constant").bound_to(10, 20, rule=None) == "exploration ends at a part of all updates"
