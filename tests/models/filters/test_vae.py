"""The recurrent autoencoder's bounds against integrals, and its state."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.families import Bernoulli, Poisson
from vestige.models.filters import RecurrentVAE

HIDDEN, LAGS = 2, (1, 2)


@pytest.fixture
def model(key):
    return RecurrentVAE(Bernoulli(2), HIDDEN, width=6, floor=0.3, lags=LAGS, key=key)


STATE = jnp.asarray([0.4, -0.6])
FUTURE = jnp.asarray([[0.0, 1.0], [1.0, 1.0]])


def grid(count=161, reach=8.0):
    """Points of the plane of h, and the area of each."""
    axis = np.linspace(-reach, reach, count)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return jnp.asarray(points, jnp.float32), (axis[1] - axis[0]) ** 2


def integrated(model, density):
    """log of the integral over h of exp(density(h))."""
    points, area = grid()
    return float(jax.nn.logsumexp(jax.vmap(density)(points)) + np.log(area))


def test_pair_bound_is_below_the_log_density_and_meets_its_own_expectation(model, key):
    y = jnp.asarray([1.0, 0.0])

    def complete(h):
        trunk = model.hidden_layer(h)
        prior = -0.5 * jnp.sum(h**2) - np.log(2 * np.pi)
        return prior + model.family.log_prob(model.observation(trunk), y) + model.state(trunk).log_prob(STATE)

    exact = integrated(model, complete)
    bounds = jax.vmap(lambda k: model.joint().bound((STATE, y), key=k))(jax.random.split(key, 20_000))
    assert float(jnp.mean(bounds)) < exact
    # The bound is log q minus KL(r || posterior): integrate that on the same grid.
    recognised = model.recognise(STATE, y)
    points, area = grid()
    logs = np.asarray(jax.vmap(recognised.log_prob)(points), np.float64)
    gain = np.asarray(jax.vmap(complete)(points), np.float64) - logs
    expected = np.sum(np.exp(logs) * gain) * area
    error = float(jnp.std(bounds)) / np.sqrt(len(bounds))
    assert abs(float(jnp.mean(bounds)) - expected) < 4 * error + 1e-3


def test_transition_probabilities_of_all_observations_add_up_to_one(model, key):
    """By importance sampling, and against the integral over the prior."""
    prior = model.before(STATE)
    total = 0.0
    for y in ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]):
        y = jnp.asarray(y)
        likelihood = lambda h, y=y: model.family.log_prob(model.observation(model.hidden_layer(h)), y)
        exact = integrated(model, lambda h, likelihood=likelihood: prior.log_prob(h) + likelihood(h))
        weights = jax.vmap(lambda k, y=y: model.given(STATE).weight(y, key=k))(jax.random.split(key, 200_000))
        found = float(jax.nn.logsumexp(weights) - np.log(200_000))
        np.testing.assert_allclose(found, exact, atol=0.03)
        few = jax.vmap(lambda k, y=y: model.log_predictive(STATE, y, key=k))(jax.random.split(key, 3000))
        shares = np.exp(np.asarray(few))  # each unbiased, however few draws it has; its logarithm is low on average
        assert abs(shares.mean() - np.exp(exact)) < 4 * shares.std() / np.sqrt(len(shares))
        assert float(jnp.mean(few)) < exact
        total += np.exp(exact)
    np.testing.assert_allclose(total, 1.0, atol=1e-4)


def test_later_observations_add_their_log_probability_and_a_missing_one_adds_nothing(model):
    trunk = model.hidden_layer(jnp.asarray([0.2, 0.9]))
    logits = model.future(trunk).reshape(2, 2)
    by_hand = sum(float(model.family.log_prob(n, y)) for n, y in zip(logits, FUTURE, strict=True))
    np.testing.assert_allclose(model.foreseen(trunk, FUTURE), by_hand, rtol=1e-5)
    gap = FUTURE.at[1].set(jnp.nan)
    np.testing.assert_allclose(model.foreseen(trunk, gap), model.family.log_prob(logits[0], FUTURE[0]), rtol=1e-5)
    slope = jax.grad(lambda t: model.foreseen(t, gap))(trunk)
    assert bool(jnp.all(jnp.isfinite(slope)))


def test_weight_of_the_state_term_scales_it(model, key):
    y = jnp.asarray([1.0, 0.0])
    heavy = RecurrentVAE(Bernoulli(2), HIDDEN, width=6, floor=0.3, weight=3.0, lags=LAGS, key=key)
    light = RecurrentVAE(Bernoulli(2), HIDDEN, width=6, floor=0.3, weight=0.0, lags=LAGS, key=key)
    plain = RecurrentVAE(Bernoulli(2), HIDDEN, width=6, floor=0.3, weight=1.0, lags=LAGS, key=key)
    bounds = [float(m.joint().bound((STATE, y), key=key)) for m in (light, plain, heavy)]
    np.testing.assert_allclose(bounds[2] - bounds[0], 3 * (bounds[1] - bounds[0]), rtol=1e-4)


def test_state_keeps_the_share_it_says_and_stays_bounded(key):
    model = RecurrentVAE(Poisson(2), 8, longest=100.0, key=key)
    keep = jax.nn.sigmoid(model.keep)
    np.testing.assert_allclose(keep[0], np.exp(-1.0), rtol=1e-4)
    np.testing.assert_allclose(keep[-1], np.exp(-0.01), rtol=1e-4)
    one, other = jnp.zeros(8), jnp.full(8, 0.1)
    silenced = eqx.tree_at(lambda m: m.encoder, model, replace=lambda x: jnp.zeros(16))
    y = jnp.asarray([2.0, 0.0])
    np.testing.assert_allclose(silenced.advance(other, y) - silenced.advance(one, y), 0.1 * keep, rtol=1e-4)
    last, _ = model.follow(model.init(), 20.0 * jnp.ones((300, 2)))
    assert float(jnp.max(jnp.abs(last))) <= 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 1}, "hidden must be at least 2"),
        ({"floor": 0.0}, "floor must be positive"),
        ({"lags": (2, 1)}, "lags must rise from 1 on"),
        ({"lags": (0, 1)}, "lags must rise from 1 on"),
        ({"longest": 0.5}, "longest must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message, key):
    with pytest.raises(ValueError, match=message):
        RecurrentVAE(Poisson(2), **{"hidden": 4, **settings}, key=key)
