"""The conformance suite of observation families: a new family adds one line to FAMILIES."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from vestige.models.families import (
    AbstractExponentialFamily,
    Bernoulli,
    Beside,
    Binomial,
    Categorical,
    ContinuousBernoulli,
    CountScale,
    Gamma,
    Gaussian,
    NegativeBinomial,
    Poisson,
    StudentT,
    UnitGaussian,
    with_noise,
)

COUNTS = [(a, b) for a in np.arange(40.0) for b in np.arange(40.0)]
SCALE = CountScale((3.0, 0.5), (1.0, 0.5))
FAMILIES = {
    "bernoulli": (Bernoulli(2), [0.4, -1.3], [(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)]),
    "poisson": (Poisson(2), [0.4, 1.3], COUNTS),
    "scaled poisson": (Poisson(2, SCALE), [0.4, 1.3], COUNTS),
    "binomial": (Binomial(2, 4), [0.4, -1.3], [(a, b) for a in np.arange(5.0) for b in np.arange(5.0)]),
    "categorical": (Categorical(2), [0.4, -1.3], [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]),
    "unit gaussian": (UnitGaussian(2), [0.4, -1.3], None),
    "gamma": (Gamma(2), [1.4, 0.7, -2.0, -0.8], None),
    "negative binomial": (NegativeBinomial(2), [0.4, -1.3, 1.0, 2.7], COUNTS),
    "scaled negative binomial": (NegativeBinomial(2, SCALE), [-0.4, 1.3, 1.0, 2.7], COUNTS),
    "gaussian": (Gaussian(2), [0.4, -1.3, -2.0, 1.0], None),
    "grey": (ContinuousBernoulli(2), [-0.1, -1.3], None),
    "steep grey": (ContinuousBernoulli(2), [-7.0, -0.31], None),
    "student-t": (StudentT(2), [0.4, -1.3, -2.0, 1.0, 1.5, 4.0], None),
}
OUTSIDE = {
    Bernoulli: [200.0, 0.5, -1.0],
    Poisson: [-1.0, 0.5, np.inf],
    NegativeBinomial: [-1.0, 0.5, np.inf],
    Binomial: [5.0, -1.0, 1.5],
    Categorical: [2.0, -1.0, 0.5],
    UnitGaussian: [np.inf, -np.inf],
    Gaussian: [np.inf, -np.inf],
    StudentT: [np.inf, -np.inf],
    Gamma: [0.0, -1.0, np.inf],
    ContinuousBernoulli: [-0.1, 1.1, np.inf],
}


SCALED = {"scaled poisson", "scaled negative binomial", "steep grey"}
"""The same law at other rates: slow."""


@pytest.fixture(params=[pytest.param(n, marks=pytest.mark.slow) if n in SCALED else n for n in FAMILIES])
def family(request):
    return FAMILIES[request.param]


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def expected(family, natural):
    """Means and variances, by scipy."""
    eta = np.asarray(natural)
    softplus = lambda x: np.log1p(np.exp(x))
    rate = lambda: np.exp(eta[:2]) * ((1, 1) if family.scale is None else family.scale.rates)
    spread = lambda: 1e-3 + softplus(eta[2:4])

    def negative_binomial():
        r = np.exp(-7 + softplus(eta[2:] + 7) - softplus(eta[2:] - 14))
        return scipy.stats.nbinom(r, r / (r + rate()))

    laws = {
        Bernoulli: lambda: scipy.stats.bernoulli(scipy.special.expit(eta)),
        Poisson: lambda: scipy.stats.poisson(rate()),
        Binomial: lambda: scipy.stats.binom(4, scipy.special.expit(eta)),
        UnitGaussian: lambda: scipy.stats.norm(eta, 1.0),
        Gaussian: lambda: scipy.stats.norm(eta[:2], spread()),
        StudentT: lambda: scipy.stats.t(1 + softplus(eta[4:] + 4), eta[:2], spread()),
        NegativeBinomial: negative_binomial,
        ContinuousBernoulli: lambda: scipy.stats.truncexpon(-eta, scale=-1 / eta),
        Gamma: lambda: scipy.stats.gamma(eta[:2] + 1, scale=-1 / eta[2:]),
    }
    return laws[type(family)]()


def test_probabilities_of_all_values_add_up_to_one(family, double):
    law, natural, values = family
    if values is None:
        pytest.skip("real values: see the comparison with scipy")
    logs = jax.jit(jax.vmap(lambda value: law.log_prob(jnp.asarray(natural), value)))(jnp.asarray(values))
    np.testing.assert_allclose(np.exp(np.asarray(logs)).sum(), 1.0, atol=1e-6)


def test_density_is_that_of_scipy(family, double):
    law, natural, _ = family
    if isinstance(law, Categorical):
        value, share = jnp.asarray([0.0, 1.0]), np.exp([0.0, *natural])
        np.testing.assert_allclose(law.log_prob(jnp.asarray(natural), value), np.log(share[2] / share.sum()))
        return
    reference = expected(law, natural)
    value = np.array({Bernoulli: [1.0, 0.0], ContinuousBernoulli: [0.3, 0.9]}.get(type(law), [1.0, 2.0]))
    log = reference.logpmf if hasattr(reference.dist, "pmf") else reference.logpdf
    found = jax.jit(law.log_prob)(jnp.asarray(natural), jnp.asarray(value))
    np.testing.assert_allclose(found, log(value).sum(), rtol=1e-7)


def test_mean_is_the_slope_of_the_log_partition_or_that_of_scipy(family, double):
    law, natural, _ = family
    eta = jnp.asarray(natural)
    if not isinstance(law, AbstractExponentialFamily):
        np.testing.assert_allclose(law.mean(eta), expected(law, natural).mean(), rtol=1e-10)
        return
    slope = np.asarray(jax.jit(jax.grad(law.log_partition))(eta))[
        -law.size :
    ]  # of Gamma's two statistics the second is y
    np.testing.assert_allclose(law.mean(eta), slope, rtol=1e-10)


@pytest.mark.few(5)
def test_draws_have_that_mean_and_the_law_of_the_family(family, key):
    law, natural, _ = family
    eta = jnp.asarray(natural)
    assert len(natural) == law.num_parameters
    draws = np.asarray(jax.jit(jax.vmap(lambda k: law.draw(eta, key=k)))(jax.random.split(key, 20_000)))
    error = draws.std(axis=0) / np.sqrt(len(draws))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - np.asarray(law.mean(eta))), 4 * error)
    law.admit(draws, "draws")  # in the support, all of them
    if not isinstance(law, Categorical):
        spread = np.var(draws, axis=0)
        fourth = np.mean((draws - draws.mean(axis=0)) ** 4, axis=0)
        error = np.sqrt((fourth - spread**2) / len(draws))
        np.testing.assert_array_less(np.abs(spread - expected(law, natural).var()), 4 * error)


def test_what_a_net_sees_is_finite_and_of_order_one(family):
    law, _, values = family
    value = jnp.asarray([1.0, 0.0] if values is not None else [1.0, 0.5])
    assert np.all(np.abs(np.asarray(law.encoder_input(value))) < 3)


def test_values_outside_the_support_raise_where_they_are_known(family):
    law, natural, _ = family
    for wrong in (*OUTSIDE[type(law)], np.nan):
        value = jnp.asarray([float(not isinstance(law, Categorical)), wrong])
        with pytest.raises(ValueError, match=f"{type(law).__name__}: expected that .* in value 1; "):
            law.log_prob(jnp.asarray(natural), value)


def test_values_outside_the_support_are_impossible_where_they_are_traced(family):
    """-inf, NaN for NaN, and in either case no gradient that could move a parameter."""
    law, natural, _ = family
    compiled = jax.jit(jax.value_and_grad(law.log_prob))
    for wrong in (*OUTSIDE[type(law)], np.nan):
        found, slope = compiled(jnp.asarray(natural), jnp.asarray([float(not isinstance(law, Categorical)), wrong]))
        assert np.isnan(found) if np.isnan(wrong) else found == -np.inf, wrong
        assert np.all(np.isfinite(np.asarray(slope))), wrong


def test_a_base_measure_is_zero_outside_the_support(family):
    """Harmoniums read it, and know no other bound."""
    law, *_ = family
    if isinstance(law, AbstractExponentialFamily):
        for wrong in OUTSIDE[type(law)]:
            assert jax.jit(law.log_base)(jnp.asarray([float(not isinstance(law, Categorical)), wrong])) == -np.inf, (
                wrong
            )
        assert np.isnan(jax.jit(law.log_base)(jnp.asarray([0.0, np.nan])))


def test_a_pair_asks_both_of_its_families():
    pair = Beside(Bernoulli(1), Poisson(1))
    with pytest.raises(ValueError, match="Poisson"):
        pair.require((jnp.ones(1), -jnp.ones(1)))
    with pytest.raises(ValueError, match="Bernoulli"):
        pair.require((2 * jnp.ones(1), jnp.ones(1)))


@pytest.mark.parametrize("law", [Poisson, NegativeBinomial])
def test_counts_know_no_cap(law, key):
    """Monthly passengers, and bytes: mean, sample and density of rates far beyond e⁴."""
    rates = np.array([480.0, 3e5])
    family = law(2)
    eta = jnp.concatenate([jnp.log(jnp.asarray(rates)), *([jnp.full(2, 6.0)] if law is NegativeBinomial else [])])
    eta = eta.astype(jnp.float32)
    np.testing.assert_allclose(family.mean(eta), rates, rtol=1e-5)
    draws = np.asarray(jax.jit(jax.vmap(lambda k: family.draw(eta, key=k)))(jax.random.split(key, 4000)))
    reference = expected(family, np.asarray(eta, np.float64))
    error = draws.std(axis=0) / np.sqrt(len(draws))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - reference.mean()), 4 * error)
    np.testing.assert_allclose(draws.var(axis=0), reference.var(), rtol=0.1)
    value = np.round(rates * 1.01)
    found = jax.jit(family.log_prob)(eta, jnp.asarray(value, jnp.float32))
    np.testing.assert_allclose(found, reference.logpmf(value).sum(), atol=0.1)
    scaled = law(2, CountScale.fitted(np.stack([rates, rates])))
    small = jnp.concatenate([jnp.full(2, 0.005), eta[2:]])
    at = expected(scaled, np.asarray(small, np.float64))
    found = scaled.log_prob(small, jnp.asarray(value, jnp.float32))
    np.testing.assert_allclose(found, at.logpmf(value).sum(), atol=0.02)  # what the scale is for


def test_a_count_that_float32_cannot_tell_apart_is_refused():
    with pytest.raises(ValueError, match="counts are at most 16,777,216"):
        Poisson(1).admit(np.array([[2.0**24 + 2]]), "test")


def test_a_negative_binomial_keeps_its_digits_at_every_concentration():
    counts = jnp.arange(0.0, 1500.0, 7)
    family = NegativeBinomial(1)
    log_probs = jax.jit(lambda parameters: jax.vmap(lambda y: family.log_prob(parameters, y[None]))(counts))
    for raw in (-5.0, 0.0, 2.0, 2.2, 5.0, 12.0):
        parameters = jnp.asarray([np.log(400.0), raw], jnp.float32)
        found = log_probs(parameters)
        r = np.exp(-7 + np.log1p(np.exp(raw + 7)) - np.log1p(np.exp(raw - 14)))
        mean = float(family.mean(parameters)[0])
        np.testing.assert_allclose(found, scipy.stats.nbinom(r, r / (r + mean)).logpmf(np.asarray(counts)), atol=0.02)


def test_a_learned_scale_is_worth_what_the_noise_allows():
    """A unit variance cannot say more than -0.92 nats of a value, whatever is known of it."""
    value = jnp.asarray([0.3, -0.2])
    assert UnitGaussian(2).log_prob(value, value) < -1.83
    sharp = jnp.concatenate([value, jnp.full(2, -4.0)])
    np.testing.assert_allclose(
        Gaussian(2).log_prob(sharp, value), -2 * np.log(1e-3 + np.log1p(np.exp(-4.0))) - np.log(2 * np.pi), rtol=1e-5
    )


def test_grey_levels_turned_round_have_the_law_of_the_opposite_sign(key):
    law, y = ContinuousBernoulli(4), jnp.array([0.0, 0.2, 0.7, 1.0])
    for eta in (1e-6, 0.29, 0.31, 2.0, 30.0, 1e4):
        up, down = jnp.full(4, eta), jnp.full(4, -eta)
        np.testing.assert_allclose(law.log_prob(up, y), law.log_prob(down, 1 - y), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(law.mean(up), 1 - law.mean(down), rtol=1e-5)
    many = jax.jit(jax.vmap(lambda k: law.draw(jnp.array([0.0, 5e-4, 3.0, -3.0]), key=k)))(jax.random.split(key, 5000))
    wanted = [0.5, 0.5, *law.mean(jnp.array([3.0, -3.0]))]
    assert np.all(np.abs(np.asarray(many).mean(axis=0) - np.asarray(wanted)) < 4 * 0.29 / np.sqrt(5000))


def test_a_gamma_without_a_law_says_so():
    law, eta = Gamma(1), jnp.asarray([0.5, 0.2])
    assert law.clamped(eta) and law.log_partition(eta) == np.inf
    assert not law.clamped(jnp.asarray([0.5, -0.2]))
    assert law.log_prob(eta, jnp.ones(1)) == -np.inf


def test_noise_is_chosen_by_name():
    assert with_noise(UnitGaussian(3), "learned") == Gaussian(3)
    assert with_noise(UnitGaussian(3), "heavy-tailed") == StudentT(3)
    assert with_noise(Poisson(2, SCALE), "heavy-tailed") == NegativeBinomial(2, SCALE)
    assert with_noise(Poisson(2, SCALE), "learned") == Poisson(2, SCALE)
    assert with_noise(UnitGaussian(3), "fixed") == UnitGaussian(3)
    with pytest.raises(ValueError, match="only reals and counts have heavier tails, got Bernoulli"):
        with_noise(Bernoulli(2), "heavy-tailed")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(2, floor=0.0), "Gaussian: floor must be positive, got 0.0"),
        (lambda: StudentT(2, floor=-1.0), "StudentT: floor must be positive"),
        (lambda: Poisson(3, SCALE), "Poisson: scale must be of 3 values, got 2"),
        (lambda: CountScale((0.0,), (1.0,)), "must be positive"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
