"""The recurrent autoencoder's bounds against integrals, and its state."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.estimators import BiasedStraightThrough, LeaveOneOut, ScoreFunction
from vestige.models.families import Bernoulli, Poisson
from vestige.models.filters import Bits, Numbers, RecurrentVAE
from vestige.numerics import Spins

HIDDEN, LAGS = 2, (1, 2)


def numbers(weight=1.0):
    return drawn(
        lambda key: RecurrentVAE(
            Bernoulli(2), HIDDEN, latent=Numbers(HIDDEN, 0.3), width=6, weight=weight, lags=LAGS, key=key
        )
    )


@pytest.fixture(scope="module")
def model():
    return numbers()


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


@pytest.mark.slow
def test_pair_bound_is_below_the_log_density_and_meets_its_own_expectation(model, key):
    y = jnp.asarray([1.0, 0.0])

    def complete(h):
        trunk = model.hidden_layer(h)
        prior = -0.5 * jnp.sum(h**2) - np.log(2 * np.pi)
        return prior + model.family.log_prob(model.observation(trunk), y) + model.state(trunk).log_prob(STATE)

    exact = integrated(model, complete)
    bounds = jax.jit(jax.vmap(lambda k: model.joint().bound((STATE, y), key=k)))(jax.random.split(key, 20_000))
    assert float(jnp.mean(bounds)) < exact
    # The bound is log q minus KL(r || posterior): integrate that on the same grid.
    recognised = model.recognise(STATE, y)
    points, area = grid()
    logs = np.asarray(jax.jit(jax.vmap(recognised.log_prob))(points), np.float64)
    gain = np.asarray(jax.jit(jax.vmap(complete))(points), np.float64) - logs
    expected = np.sum(np.exp(logs) * gain) * area
    error = float(jnp.std(bounds)) / np.sqrt(len(bounds))
    assert abs(float(jnp.mean(bounds)) - expected) < 4 * error + 1e-3


@pytest.mark.slow
def test_transition_probabilities_of_all_observations_add_up_to_one(model, key):
    """By importance sampling, and against the integral over the prior."""
    prior = model.before(STATE)
    total = 0.0
    for y in ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]):
        y = jnp.asarray(y)
        likelihood = lambda h, y=y: model.family.log_prob(model.observation(model.hidden_layer(h)), y)
        exact = integrated(model, lambda h, likelihood=likelihood: prior.log_prob(h) + likelihood(h))
        weights = jax.jit(jax.vmap(lambda k, y=y: model.given(STATE).weight(y, key=k)))(jax.random.split(key, 200_000))
        found = float(jax.nn.logsumexp(weights) - np.log(200_000))
        np.testing.assert_allclose(found, exact, atol=0.03)
        few = jax.jit(jax.vmap(lambda k, y=y: model.log_predictive(STATE, y, key=k)))(jax.random.split(key, 3000))
        shares = np.exp(np.asarray(few))  # each unbiased, however few draws it has; its logarithm is low on average
        assert abs(shares.mean() - np.exp(exact)) < 4 * shares.std() / np.sqrt(len(shares))
        assert float(jnp.mean(few)) < exact
        total += np.exp(exact)
    np.testing.assert_allclose(total, 1.0, atol=1e-4)


def test_later_observations_add_their_log_probability_and_a_missing_one_adds_nothing(model):
    trunk = model.hidden_layer(jnp.asarray([0.2, 0.9]))
    logits = model.future(trunk).reshape(2, 2)
    by_hand = sum(float(model.family.log_prob(n, y)) for n, y in zip(logits, FUTURE, strict=True))
    np.testing.assert_allclose(model.future_log_likelihood(trunk, FUTURE), by_hand, rtol=1e-5)
    gap = FUTURE.at[1].set(jnp.nan)
    np.testing.assert_allclose(
        model.future_log_likelihood(trunk, gap), model.family.log_prob(logits[0], FUTURE[0]), rtol=1e-5
    )
    slope = jax.jit(jax.grad(lambda t: model.future_log_likelihood(t, gap)))(trunk)
    assert bool(jnp.all(jnp.isfinite(slope)))


def test_weight_of_the_state_term_scales_it(key):
    y = jnp.asarray([1.0, 0.0])
    bound = eqx.filter_jit(lambda model: model.joint().bound((STATE, y), key=key))
    bounds = [float(bound(numbers(weight))) for weight in (0.0, 1.0, 3.0)]
    np.testing.assert_allclose(bounds[2] - bounds[0], 3 * (bounds[1] - bounds[0]), rtol=1e-4)


@pytest.mark.slow
def test_state_keeps_the_share_it_says_and_stays_bounded(key):
    model = eqx.filter_jit(lambda key: RecurrentVAE(Poisson(2), 8, longest=100.0, key=key))(key)
    keep = jax.nn.sigmoid(model.keep)
    np.testing.assert_allclose(keep[0], np.exp(-1.0), rtol=1e-4)
    np.testing.assert_allclose(keep[-1], np.exp(-0.01), rtol=1e-4)
    one, other = jnp.zeros(8), jnp.full(8, 0.1)
    silenced = eqx.tree_at(lambda m: m.encoder, model, replace=lambda x: jnp.zeros(16))
    y = jnp.asarray([2.0, 0.0])
    np.testing.assert_allclose(silenced.advance(other, y) - silenced.advance(one, y), 0.1 * keep, rtol=1e-4)
    last, _ = eqx.filter_jit(model.unroll)(model.init(), 20.0 * jnp.ones((300, 2)))
    assert float(jnp.max(jnp.abs(last))) <= 1.0


def test_a_normalised_head_is_not_paid_for_small_states(key):
    """Neither size nor mean of a state says anything to it; to the plain head both do."""
    state, trunk = jax.random.normal(key, (6,)), jnp.ones(5)
    for normalised in (True, False):
        law = Numbers(6, normalised=normalised).head(5, 6, key=key)(trunk)
        same = [law.log_prob(state), law.log_prob(0.3 * state), law.log_prob(state + 0.5)]
        assert bool(jnp.allclose(jnp.stack(same), same[0], atol=1e-2)) == normalised
    by_hand = Numbers(6).head(5, 6, key=key)(trunk).log_prob((state - state.mean()) / state.std())
    np.testing.assert_allclose(
        Numbers(6, normalised=True).head(5, 6, key=key)(trunk).log_prob(state), by_hand, rtol=1e-4
    )
    assert jnp.isfinite(
        jax.jit(jax.grad(Numbers(6, normalised=True).head(5, 6, key=key)(trunk).log_prob))(jnp.zeros(6))
    ).all()


def test_a_state_head_needs_a_floor():
    with pytest.raises(ValueError, match="floor must be positive"):
        Numbers(4, 0.0)


BITS = 4
CORNERS = jnp.asarray(np.array(list(itertools.product([-1.0, 1.0], repeat=BITS)), np.float32))
HELD = jnp.asarray([0.4, -0.6, 0.0, 0.9])


class TestBits:
    """A latent of four bits: everything by enumeration."""

    def build(self, estimator):
        model = drawn(
            lambda key: RecurrentVAE(Bernoulli(2), BITS, latent=Bits(BITS, estimator), width=6, lags=LAGS, key=key)
        )
        return eqx.tree_at(lambda m: m.latent.bias, model, jnp.asarray([0.5, -0.3, 0.0, 1.0]))

    def exact(self, model, y):
        """The bound of the joint reading, a differentiable sum over all corners."""
        recognised, prior = model.recognise(HELD, y), Spins(model.latent.bias)

        def complete(h):
            trunk = model.hidden_layer(h)
            gain = model.family.log_prob(model.observation(trunk), y) + model.state(trunk).log_prob(HELD)
            return gain + model.future_log_likelihood(trunk, FUTURE) + prior.log_prob(h) - recognised.log_prob(h)

        return jnp.sum(jnp.exp(jax.vmap(recognised.log_prob)(CORNERS)) * jax.vmap(complete)(CORNERS))

    def found(self, model, y, keys):
        """Bounds and their slopes in all parameters, row by row."""
        trained, rest = eqx.partition(model, eqx.is_inexact_array)

        def one(key):
            return jax.value_and_grad(
                lambda trained: eqx.combine(trained, rest).joint().bound((HELD, y, FUTURE), key=key)
            )(trained)

        return jax.jit(jax.vmap(one))(keys)

    @pytest.mark.parametrize(
        "estimator",
        [LeaveOneOut(4), pytest.param(ScoreFunction(1), marks=pytest.mark.slow)],
        ids=lambda e: type(e).__name__,
    )
    @pytest.mark.slow
    def test_bound_and_slopes_are_those_of_the_sum_over_all_states(self, estimator, key):
        model, y = self.build(estimator), jnp.asarray([1.0, 0.0])
        trained, rest = eqx.partition(model, eqx.is_inexact_array)
        exact, slopes = jax.jit(jax.value_and_grad(lambda t: self.exact(eqx.combine(t, rest), y)))(trained)
        bounds, estimates = self.found(model, y, jax.random.split(key, 20_000))
        for expected, rows in zip(jax.tree.leaves((exact, slopes)), jax.tree.leaves((bounds, estimates)), strict=True):
            rows = np.asarray(rows, np.float64)
            error = rows.std(axis=0) / np.sqrt(len(rows))
            assert (np.abs(rows.mean(axis=0) - expected) <= 5 * error + 1e-4).all()

    @pytest.mark.slow
    def test_straight_through_is_not(self, key):
        model, y = self.build(BiasedStraightThrough(draws=4)), jnp.asarray([1.0, 0.0])
        trained, rest = eqx.partition(model, eqx.is_inexact_array)
        slope = jax.jit(jax.grad(lambda t: self.exact(eqx.combine(t, rest), y)))(trained).encoder.layers[-1].bias
        rows = np.asarray(self.found(model, y, jax.random.split(key, 20_000))[1].encoder.layers[-1].bias)
        error = rows.std(axis=0) / np.sqrt(len(rows))
        assert (np.abs(rows.mean(axis=0) - slope) / error).max() > 8

    @pytest.mark.slow
    def test_probabilities_of_all_observations_add_up_to_one(self, key):
        model = self.build(LeaveOneOut(2))
        prior, total = model.before(HELD), 0.0
        for y in map(jnp.asarray, ([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0])):
            likelihoods = jax.vmap(lambda h, y=y: model.family.log_prob(model.observation(model.hidden_layer(h)), y))
            exact = jax.nn.logsumexp(jax.jit(jax.vmap(prior.log_prob))(CORNERS) + likelihoods(CORNERS))
            weights = jax.jit(jax.vmap(lambda k, y=y: model.given(HELD).weight(y, key=k)))(
                jax.random.split(key, 50_000)
            )
            np.testing.assert_allclose(jax.nn.logsumexp(weights) - np.log(50_000), exact, atol=0.03)
            total += float(jnp.exp(exact))
        np.testing.assert_allclose(total, 1.0, atol=1e-5)

    def test_a_state_is_the_mean_of_its_bits_and_one_at_the_edge_is_finite(self, key):
        model = self.build(LeaveOneOut(2))
        y = jnp.asarray([1.0, 0.0])
        np.testing.assert_allclose(model.recognise(HELD, y).mean, model.advance(HELD, y), atol=1e-5)
        edge = model.latent.recognised(jnp.asarray([1.0, -1.0, 0.0, 0.5]), jnp.zeros(0))
        assert bool(jnp.all(jnp.isfinite(edge.logits)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 1}, "hidden must be at least 2"),
        ({"weight": -1.0}, "weight must not be negative"),
        ({"lags": (2, 1)}, "lags must rise from 1 on"),
        ({"lags": (0, 1)}, "lags must rise from 1 on"),
        ({"longest": 0.5}, "longest must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message, key):
    with pytest.raises(ValueError, match=message):
        RecurrentVAE(Poisson(2), **{"hidden": 4, **settings}, key=key)
