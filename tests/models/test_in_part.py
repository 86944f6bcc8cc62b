"""Observations that are missing in part: what is there counts, and nothing else."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from vestige.models.families import (
    Bernoulli,
    Categorical,
    Gaussian,
    InPart,
    NegativeBinomial,
    Poisson,
    StudentT,
    UnitGaussian,
    missing_in_part,
    whole,
    with_noise,
)
from vestige.models.filters import FactorFilter, RecurrentVAE
from vestige.models.harmonium import DeepHarmonium, RecurrentHarmonium
from vestige.tasks.filtering import LinearGaussian, kalman_filter

FAMILIES = [
    (UnitGaussian, [0.4, -1.3, 0.2], 1),
    (Gaussian, [0.4, -1.3, 0.2, -2.0, 1.0, 0.5], 2),
    (StudentT, [0.4, -1.3, 0.2, -2.0, 1.0, 0.5, 1.5, 4.0, 0.1], 3),
    (Poisson, [0.4, 1.3, -0.5], 1),
    (NegativeBinomial, [0.4, 1.3, -0.5, 1.0, 2.7, 0.3], 2),
    (Bernoulli, [0.4, -1.3, 2.0], 1),
]
Y = np.array([1.0, 0.0, 1.0])
HIDE = (0, 2)
"""Values that are missing in turn."""


@pytest.mark.parametrize(("make", "parameters", "each"), FAMILIES)
@pytest.mark.few(3)
def test_the_law_of_what_is_there_is_that_of_a_smaller_family(make, parameters, each):
    law, parameters = InPart(make(3)), jnp.array(parameters)
    log_prob = jax.jit(law.log_prob)
    slope = jax.jit(jax.grad(law.log_prob))
    np.testing.assert_allclose(log_prob(parameters, Y), make(3).log_prob(parameters, jnp.array(Y)), rtol=1e-5)
    for gone in HIDE:
        kept = [j for j in range(3) if j != gone]
        seen = jnp.array(Y).at[gone].set(jnp.nan)
        fewer = jnp.concatenate([part[jnp.array(kept)] for part in jnp.split(parameters, each)])
        expected = make(2).log_prob(fewer, jnp.array(Y[kept]))
        np.testing.assert_allclose(log_prob(parameters, seen), expected, rtol=1e-5)
        steep = np.stack(np.split(np.asarray(slope(parameters, seen)), each))
        assert np.isfinite(steep).all() and (steep[:, gone] == 0).all() and (steep[:, kept] != 0).any()
    assert float(log_prob(parameters, jnp.full(3, jnp.nan))) == 0.0
    assert np.isneginf(log_prob(parameters, jnp.array([np.nan, np.inf, 1.0])))


def test_what_can_be_missing_in_part_and_what_not():
    with pytest.raises(ValueError, match="values of Categorical are not independent"):
        InPart(Categorical(3))
    assert with_noise(InPart(UnitGaussian(2)), "heavy-tailed") == InPart(StudentT(2))
    assert whole(InPart(Poisson(2))) == Poisson(2) == whole(Poisson(2))
    law = InPart(Bernoulli(2))
    law.admit(np.array([[0.0, np.nan], [1.0, 1.0]]), "here")
    with pytest.raises(ValueError, match="here: observations: .*bits are 0 or 1"):
        law.admit(np.array([[0.5, np.nan]]), "here")
    assert missing_in_part(np.array([[1, np.nan], [np.nan, np.nan], [1, 1]])).tolist() == [True, False, False]
    for make in (
        lambda f: RecurrentHarmonium(f, 2, key=jax.random.key(0)),
        lambda f: DeepHarmonium(f, (2, 2), key=jax.random.key(0)),
    ):
        with pytest.raises(ValueError, match="Harmonium: observations must not be missing in part"):
            make(law)
        assert make(law.of).seeing_parts() is None


def factor():
    model = FactorFilter(3, 2, key=jax.random.key(0))
    leaves, rest = jax.tree.flatten(model)
    noise = np.random.default_rng(0)
    return jax.tree.unflatten(rest, [jnp.asarray(x + 0.4 * noise.normal(size=x.shape), jnp.float32) for x in leaves])


def test_a_factor_filter_integrates_out_what_is_missing():
    model = factor()
    parts = model.seeing_parts()
    state = jnp.array([0.3, -1.2])
    loadings = np.concatenate([model.state_loadings, model.input_loadings])
    uniqueness = np.exp(np.concatenate([model.log_state_uniqueness, model.log_input_uniqueness]))
    covariance = loadings @ loadings.T + np.diag(uniqueness)
    advance = jax.jit(lambda y: (parts.filter(state, y), parts.log_predictive(state, y, key=jax.random.key(0))))
    for gone in HIDE:
        seen = jnp.array(Y).at[gone].set(jnp.nan)
        kept = [0, 1, *(2 + j for j in range(3) if j != gone)]
        value = np.concatenate([state, Y])[kept]
        within = covariance[np.ix_(kept, kept)]
        after, score = advance(seen)
        np.testing.assert_allclose(after, loadings[kept].T @ np.linalg.solve(within, value), rtol=1e-4)
        law = scipy.stats.multivariate_normal
        expected = law(np.zeros(4), within).logpdf(value) - law(np.zeros(2), covariance[:2, :2]).logpdf(state)
        np.testing.assert_allclose(score, expected, rtol=1e-4)
    same = jax.jit(lambda y: (model.filter(state, y), model.log_predictive(state, y, key=jax.random.key(0))))
    for found, wanted in zip(advance(jnp.array(Y)), same(jnp.array(Y)), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(advance(jnp.full(3, jnp.nan))[0], state)
    np.testing.assert_array_equal(model.filter(state, jnp.array([np.nan, 1.0, 1.0])), state)  # as ever


def test_a_factor_filter_beside_the_kalman_filter_with_gaps():
    """The fixed point of factor analysis on an AR(1) world is the Kalman filter. With gaps it is not, as its state does
    not say how certain it is; what is lost is small beside throwing the whole step away."""
    persistence, noise, steps = 0.9, np.array([0.5, 1.0, 2.0]), 4000
    draw = np.random.default_rng(1)
    source = np.zeros(steps)
    for t in range(1, steps):
        source[t] = persistence * source[t - 1] + np.sqrt(1 - persistence**2) * draw.normal()
    seen = source[:, None] + np.sqrt(noise) * draw.normal(size=(steps, 3))
    seen[draw.random(seen.shape) < 0.3] = np.nan
    one = lambda value: jnp.array([[value]], jnp.float32)
    world = LinearGaussian(one(persistence), one(1 - persistence**2), jnp.ones((3, 1)), jnp.zeros(1), one(1.0))
    gaps = np.isnan(seen)
    told = jnp.asarray(np.where(gaps, 0.0, seen), jnp.float32)
    spread = jnp.asarray(np.stack([np.diag(each) for each in np.where(gaps, 1e6, noise)]), jnp.float32)
    exact = np.asarray(jax.jit(kalman_filter)(world, told, spread).means)[:, 0]
    # the stationary filter x = pole x + gain · y, as the model of (x, y) whose posterior mean it is
    variance = 1.0
    for _ in range(200):
        variance = 1 / (1 / (persistence**2 * variance + 1 - persistence**2) + np.sum(1 / noise))
    prior = persistence**2 * variance + 1 - persistence**2
    # x_{t-1} = E[s_{t-1} | past], s_t = persistence x_{t-1} + N(0, prior): loading and uniqueness of x given h = s_t
    known = 1 - variance
    loading = persistence * known
    model = FactorFilter(3, 1, key=jax.random.key(0))
    leaves = (one(loading), jnp.ones((3, 1)), jnp.log(jnp.array([known - loading**2])), jnp.log(jnp.asarray(noise)))
    model = jax.tree.unflatten(jax.tree.structure(model), [leaf.astype(jnp.float32) for leaf in leaves])
    assert np.isclose(prior, 1 - loading**2 / known)
    states = {}
    for name, each in (("parts", model.seeing_parts()), ("steps", model)):
        run = jax.jit(lambda seen, each=each: each.unroll(each.init(), seen))
        states[name] = np.append(np.asarray(run(jnp.asarray(seen, jnp.float32))[1])[1:, 0], np.nan)
    error = {name: np.nanmean(np.square(state - source)[:-1]) for name, state in states.items()}
    best = np.mean(np.square(exact - source)[:-1])
    assert best < error["parts"] < 1.05 * best < 1.3 * best < error["steps"]


def vae(family):
    return RecurrentVAE(family, 2, width=6, lags=(1, 2), key=jax.random.key(4))


def test_a_recurrent_vae_scores_what_is_there():
    """Beside a mean over the prior, which needs no encoder."""
    model, state = vae(InPart(Gaussian(3))), jnp.array([0.4, -0.2])
    seen = jnp.array([0.5, np.nan, -0.3])
    score = jax.jit(jax.vmap(lambda k: model.log_predictive(state, seen, key=k)))
    found = np.asarray(score(jax.random.split(jax.random.key(1), 64)))

    def likelihood(key):
        latent = model.before(state).draw(key=key)
        return model.family.log_prob(model.observation(model.hidden_layer(latent)), seen)

    logs = np.asarray(jax.jit(jax.vmap(likelihood))(jax.random.split(jax.random.key(2), 20_000)), np.float64)
    expected, spread = np.log(np.exp(logs).mean()), np.exp(logs).std() / np.exp(logs).mean() / np.sqrt(20_000)
    room = (
        4 * np.hypot(spread, found.std() / 8) + found.var()
    )  # the logarithm of an estimate is low by half its variance
    assert abs(found.mean() - expected) < room < 0.1


@pytest.mark.slow
def test_a_bound_of_what_is_there_ignores_what_is_not():
    plain, model = vae(Gaussian(3)), vae(Gaussian(3)).seeing_parts()
    state, key = jnp.array([0.4, -0.2]), jax.random.key(1)
    future = jnp.array([[0.1, 0.2, 0.3], [np.nan, 1.0, np.nan]])
    bound = eqx.filter_jit(lambda m, y, f: m.given(state).bound((y, f), key=key))
    full = jnp.array(Y)
    none = jnp.full((2, 3), jnp.nan)
    np.testing.assert_allclose(bound(model, full, none), bound(plain, full, none), rtol=1e-6)
    filtered = eqx.filter_jit(lambda m, y: m.filter(state, y))
    np.testing.assert_array_equal(filtered(plain, full), filtered(model, full))
    gone = full.at[1].set(jnp.nan)
    assert np.isfinite(bound(model, gone, future)) and bound(model, gone, future) != bound(model, gone, none)
    expected = eqx.filter_jit(lambda m: m.expected(state))(model)
    np.testing.assert_allclose(filtered(model, gone), filtered(plain, full.at[1].set(expected[1])), rtol=1e-6)
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m: m.given(state).bound((gone, future), key=key)))(model)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    assert np.asarray(slopes.observation.bias)[1] == 0 and np.asarray(slopes.observation.bias)[0] != 0
    assert RecurrentVAE(Categorical(2), 2, width=3, key=key).seeing_parts() is None
