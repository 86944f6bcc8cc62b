"""Forward mode, and derivatives of second order: right, or refused by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import Exact, RunningMean, ScoreFunction, expect
from vestige.structures import Categorical, Subset, entropy_estimate

from .cases import CONTEXT, POINTS, UNBIASED, curved, objective, subset

RATES, COEFFICIENTS = (jnp.asarray(x) for x in POINTS["subset"].arrays())
REFUSED = "second derivative was requested"


def value_of(name, key):
    estimator = UNBIASED[name](4)
    return lambda rates, coefficients: objective(subset, curved, rates, coefficients, estimator, key, CONTEXT)


@pytest.mark.parametrize("name", UNBIASED)
@pytest.mark.slow
def test_forward_mode_is_reverse_mode(name, key):
    value = value_of(name, key)
    toward = jnp.asarray(POINTS["subset"]._replace(seed=30).arrays()[0])
    primal, forward = jax.jit(lambda r, c: jax.jvp(value, (r, c), (toward, c)))(RATES, COEFFICIENTS)
    again, slopes = jax.jit(jax.value_and_grad(value, (0, 1)))(RATES, COEFFICIENTS)
    assert float(primal) == pytest.approx(float(again), rel=1e-6)
    expected = float(jnp.sum(slopes[0] * toward) + jnp.sum(slopes[1] * COEFFICIENTS))
    assert float(forward) == pytest.approx(expected, rel=1e-4, abs=1e-4)


TWICE = {"forward": jax.hessian, "reverse": lambda f: jax.jacrev(jax.grad(f))}
SHORT = {("forward", name) for name in ("trace score", "relax", "without replacement")}
SHORT |= {("reverse", "trace score")}


@pytest.mark.parametrize(
    ("order", "name"),
    [
        pytest.param(order, name, marks=[] if (order, name) in SHORT else [pytest.mark.slow])
        for order in TWICE
        for name in UNBIASED
    ],
)
@pytest.mark.few(2)
def test_second_derivatives_by_the_rates_are_refused(order, name, key):
    twice, value = TWICE[order], value_of(name, key)
    with pytest.raises(TypeError, match=REFUSED):
        jax.eval_shape(twice(lambda rates: value(rates, COEFFICIENTS)), RATES)
    with pytest.raises(TypeError, match=REFUSED):  # and where another function stands around it
        jax.eval_shape(jax.jit(twice(jax.jit(lambda rates: jnp.log(9.0 + value(rates, COEFFICIENTS))))), RATES)


@pytest.mark.parametrize("name", ["trace score", "relax", "without replacement"])
def test_mixed_derivatives_are_refused(name, key):
    value = value_of(name, key)
    for outer, inner in ((0, 1), (1, 0)):
        slope = jax.grad(value, inner)
        with pytest.raises(TypeError, match=REFUSED):
            jax.eval_shape(jax.jacrev(slope, outer), RATES, COEFFICIENTS)


@pytest.mark.parametrize("name", ["trace score", "leave one out", "without replacement"])
@pytest.mark.few(1)
def test_second_derivatives_by_what_the_cost_closes_over(name, key):
    """Pathwise, at the draws of this key: against differences of the first derivative."""
    with jax.enable_x64(True):
        rates, coefficients = (jnp.asarray(x) for x in POINTS["subset"].arrays(np.float64))
        value = value_of(name, key)
        slopes = jax.jit(jax.vmap(jax.grad(value, 1), (None, 0)))
        steps = 1e-4 * np.concatenate([np.eye(4), -np.eye(4)])
        up, down = np.split(np.asarray(slopes(rates, np.asarray(coefficients) + steps)), 2)
        found = np.asarray(jax.jit(jax.hessian(value, 1))(rates, coefficients))
        np.testing.assert_allclose(found, (up - down) / 2e-4, rtol=1e-5, atol=1e-7)
        assert np.abs(found).max() > 0.1


def test_exact_is_right_to_second_order(key):
    """softmax by hand: E f, twice differentiated."""
    with jax.enable_x64(True):
        rates, worth = jnp.asarray([0.3, -1.0, 0.5, 0.1]), jnp.arange(4.0) ** 2
        value = lambda r: expect(lambda v: jnp.sum(v * worth), Categorical(r), estimator=Exact(), key=key)
        found = jax.jit(jax.hessian(value))(rates)
        p = np.exp(rates) / np.sum(np.exp(rates))
        mean = p @ worth
        centred = p * (np.asarray(worth) - mean)
        expected = np.diag(centred) - np.outer(centred, p) - np.outer(p, centred)
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_what_is_learned_has_no_forward_mode_and_no_second_order(key):
    def value(mean):
        estimator = ScoreFunction(2, baseline=RunningMean(0.0))
        estimator = jax.tree.map(lambda leaf: mean, estimator)
        return expect(lambda v: jnp.sum(v * COEFFICIENTS), Categorical(RATES), estimator=estimator, key=key)

    forward = lambda mean: jax.jvp(value, (mean,), (mean,))
    for function in (forward, jax.jit(forward)):
        with pytest.raises(TypeError, match="forward mode .* reached the arrays of an estimator"):
            function(jnp.float32(0.2))
    with pytest.raises(TypeError, match=REFUSED):
        jax.eval_shape(jax.grad(jax.grad(value)), jnp.float32(0.2))


@pytest.mark.slow
def test_entropy_estimate_is_of_first_order(key):
    value = lambda rates: entropy_estimate(Subset(rates, 2), draws=3, key=key)
    tangent = jax.jit(lambda rates, toward: jax.jvp(value, (rates,), (toward,))[1])(RATES, COEFFICIENTS)
    slope = np.asarray(jax.jit(jax.grad(value))(RATES))
    assert float(tangent) == pytest.approx(np.sum(slope * np.asarray(COEFFICIENTS)), rel=1e-4)
    with pytest.raises(TypeError, match=REFUSED):
        jax.eval_shape(jax.hessian(value), RATES)


def test_forward_mode_through_a_draw_is_refused(key):
    with pytest.raises(TypeError, match="Subset: forward mode .* reached a discrete draw"):
        jax.jacfwd(lambda rates: Subset(rates, 2).sample(key=key).value)(RATES)
