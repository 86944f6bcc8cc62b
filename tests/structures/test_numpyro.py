"""Structures as NumPyro distributions: laws, SVI, NUTS, and a Gibbs sampler that fills in the arrival times."""

import functools
import itertools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.diagnostics import effective_sample_size
from numpyro.infer import MCMC, NUTS, SVI, Trace_ELBO, TraceGraph_ELBO

from tests.structures.cases import CASES, listed
from vestige.structures import Arborescence, Batch, Matching, Permutation, SpanningTree, Subset, enumerate_traces
from vestige.structures.as_numpyro import TraceDistribution


@pytest.fixture(autouse=True)
def _lenient(_strict):
    """NumPyro's own code promotes dtypes and ranks."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


QUICK = ["permutation"]
OTHERS = ["subset", "spanning tree", "arborescence, free root", "binary tree", "matching"]


@pytest.fixture(params=[*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def name(request):
    return request.param


def single(name, n, seed=0):
    return jnp.asarray(CASES[name].rates(n, seed=seed), jnp.float32)


@functools.cache
def made(name):
    """In one compilation, with the log-rates it is made of."""
    log_rates = single(name, 3)
    distribution = jax.jit(lambda x: TraceDistribution(CASES[name].make(x), validate_args=False))(log_rates)
    return log_rates, distribution


def test_the_law(name, key):
    """All traces have their probability, nothing else has any, and draws are what `sample` draws."""
    log_rates, distribution = made(name)
    winners, log_probs = listed(name, 3, np.asarray(log_rates))
    assert (distribution.batch_shape, distribution.event_shape) == ((), winners.shape[1:])
    assert distribution.support.is_discrete and distribution.support.event_dim == 1
    assert not distribution.has_rsample and not distribution.has_enumerate_support
    np.testing.assert_allclose(distribution.log_prob(winners), log_probs, atol=1e-5)
    drawn = distribution.sample(key, (500,))
    assert drawn.shape == (500, *winners.shape[1:])
    assert bool(jnp.all(distribution.support(drawn)))
    assert {tuple(row) for row in drawn.tolist()} <= {tuple(row) for row in winners.tolist()}
    likeliest = int(np.argmax(log_probs))
    often = np.mean(np.all(np.asarray(drawn) == winners[likeliest], axis=1))
    p = np.exp(log_probs[likeliest])
    assert abs(often - p) < 4 * np.sqrt(p * (1 - p) / 500) + 1e-6
    values = jax.jit(jax.vmap(lambda w: distribution.structure.value(distribution.structure.replay(w))))(winners)
    np.testing.assert_array_equal(distribution.value(winners), values)


@pytest.mark.slow
def test_impossible_winners(name):
    log_rates, distribution = made(name)
    winners, _ = listed(name, 3, np.asarray(log_rates))
    wrong = np.stack([np.full_like(winners[0], -1), np.full_like(winners[0], log_rates.size), 0 * winners[0] - 7])
    assert distribution.log_prob(wrong).tolist() == [-np.inf] * 3
    assert not bool(jnp.any(distribution.support(wrong)))
    mixed = jnp.concatenate([wrong, winners[:1]])

    def total(log_rates):
        log_prob = TraceDistribution(CASES[name].make(log_rates), validate_args=False).log_prob(mixed)
        return jnp.sum(jnp.where(log_prob > -jnp.inf, log_prob, 0.0))

    assert bool(jnp.all(jnp.isfinite(jax.jit(jax.grad(total))(log_rates))))
    feasible = distribution.support.feasible_like(jnp.zeros((2, winners.shape[1]), jnp.int32))
    assert bool(jnp.all(distribution.support(feasible)))


def test_validation_warns_as_elsewhere():
    distribution = TraceDistribution(Permutation(jnp.zeros(3)), validate_args=True)
    with pytest.warns(UserWarning, match="Out-of-support"):
        assert distribution.log_prob(jnp.array([0, 0, 1])) == -jnp.inf


def test_traces_that_end_early_are_outside():
    """Row 0 can only have column 0: taking (1, 0) first is a dead end, and not a draw."""
    log_rates = jnp.array([[0.0, -jnp.inf], [0.0, 0.0]])
    distribution = TraceDistribution(Matching(log_rates), validate_args=False)
    dead, whole = jnp.array([2, -1]), jnp.array([0, 3])
    assert distribution.log_prob(dead) == -jnp.inf
    assert distribution.log_prob(whole) == pytest.approx(np.log(1 / 3), abs=1e-6)


def test_masks_leave_places_empty(key):
    mask = jnp.array([True, False, True, True])
    distribution = TraceDistribution(Permutation(jnp.zeros(4), mask=mask))
    drawn = distribution.sample(key, (20,))
    assert (drawn[:, 3] == -1).all() and not (drawn == 1).any()
    np.testing.assert_allclose(distribution.log_prob(drawn), -np.log(6), atol=1e-6)


SHARES = np.array([0.1, 0.3, 0.6])
DRAWS = 4000


def close_to(often, expected):
    """Shares of draws, within four standard errors."""
    assert (np.abs(often - expected) < 4 * np.sqrt(expected * (1 - expected) / DRAWS)).all()


def orders(log_rates):
    """The probabilities of all orders of three items, in float64."""
    rates = np.exp(np.asarray(log_rates, np.float64))
    return np.array(
        [rates[a] / rates.sum() * rates[b] / (rates[b] + rates[c]) for a, b, c in itertools.permutations(range(3))]
    )


@pytest.mark.slow
def test_mixtures_of_one_class(key):
    """All orders have the mean of their probabilities, and so have those of a batch of mixtures."""
    log_rates = np.random.default_rng(0).normal(size=(2, 3, 3), scale=2).astype(np.float32)
    every = jnp.array(list(itertools.permutations(range(3))))
    mixing = dist.Categorical(probs=jnp.asarray(SHARES, jnp.float32))

    def mixture(log_rates):
        components = jax.vmap(lambda x: TraceDistribution(Permutation(x)))(log_rates)
        return dist.MixtureSameFamily(mixing, components, validate_args=True)

    @jax.jit
    def run(log_rates, key):
        one = mixture(log_rates)
        return (
            one.log_prob(every),
            one.sample(key, (DRAWS,)),
            jax.grad(lambda x: mixture(x).log_prob(every[2]))(log_rates),
        )

    one = mixture(log_rates[0])
    assert (one.batch_shape, one.event_shape, one.support.event_dim) == ((), (3,), 1)
    log_probs, drawn, slope = jax.device_get(run(log_rates[0], key))
    expected = SHARES @ np.stack([orders(x) for x in log_rates[0]])
    np.testing.assert_allclose(np.exp(log_probs), expected, rtol=1e-5)
    close_to(np.mean(np.all(drawn[:, None] == np.asarray(every)[None], axis=2), axis=0), expected)
    assert np.isfinite(slope).all() and slope.any()
    with pytest.warns(UserWarning, match="Out-of-support"):
        assert one.log_prob(jnp.array([0, 0, 1])) == -np.inf
    assert one.support(every[0]) and not one.support(jnp.array([0, 1, 3]))
    assert one.support(one.support.feasible_like(jnp.zeros((4, 3), jnp.int32))).tolist() == [True] * 4


@pytest.mark.slow
def test_batches_of_mixtures_and_mixtures_of_several(key):
    log_rates = np.random.default_rng(0).normal(size=(2, 3, 3), scale=2).astype(np.float32)
    every = jnp.array(list(itertools.permutations(range(3))))
    mixing = dist.Categorical(probs=jnp.asarray(SHARES, jnp.float32))
    components = Batch.of(Permutation, jnp.asarray(log_rates), batch_ndim=2).map(TraceDistribution)
    many = dist.MixtureSameFamily(mixing, components, validate_args=True)
    assert many.batch_shape == (2,) and many.expand((4, 2)).batch_shape == (4, 2)
    expected = np.stack([SHARES @ np.stack([orders(x) for x in row]) for row in log_rates], axis=1)
    np.testing.assert_allclose(np.exp(many.log_prob(every[:, None])), expected, rtol=1e-5)
    drawn = np.asarray(many.sample(key, (DRAWS,)))
    assert drawn.shape == (DRAWS, 2, 3)
    which = np.all(drawn[:, :, None] == np.asarray(every), axis=3).astype(float)  # draws, mixtures, orders
    close_to(which.mean(axis=0).T, expected)
    together = np.einsum("dx,dy->xy", which[:, 0], which[:, 1]) / DRAWS  # the mixtures of a batch are independent
    close_to(together, expected[:, :1] * expected[:, 1][None, :])
    assert many.expand((4, 2)).sample(key).shape == (4, 2, 3)
    # Components of other kinds: items that one of them has not, and a subset with as many steps.
    masked = Permutation(jnp.asarray(log_rates[0, 0]), mask=jnp.array([True, True, False]))
    of = lambda one: TraceDistribution(one, validate_args=False)
    several = [of(Permutation(jnp.asarray(log_rates[0, 1]))), of(masked)]
    several.append(of(Subset(jnp.asarray(log_rates[0, 2]), 3)))
    one = dist.MixtureGeneral(mixing, several, validate_args=False)
    short = jnp.array([[0, 1, -1], [1, 0, -1]])
    probs = np.exp(one.log_prob(jnp.concatenate([every, short])))
    np.testing.assert_allclose(probs.sum(), 1, rtol=1e-5)
    expected = SHARES[1] * np.exp(log_rates[0, 0, 0]) / np.exp(log_rates[0, 0, :2]).sum()
    np.testing.assert_allclose(probs[6], expected, rtol=1e-5)
    assert one.sample(key, (7,)).shape == (7, 3)

    def model(data):
        rates = numpyro.sample("rates", dist.Normal(0.0, 1.0).expand((3, 3)).to_event(2))
        with numpyro.plate("data", len(data)):
            components = jax.vmap(lambda x: TraceDistribution(Permutation(x)))(rates)
            numpyro.sample("order", dist.MixtureSameFamily(mixing, components), obs=data)

    kernel = NUTS(model)
    mcmc = MCMC(kernel, num_warmup=5, num_samples=5, progress_bar=False)
    mcmc.run(key, data=every)
    assert np.isfinite(mcmc.get_samples()["rates"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["permutation", "arborescence"])
def test_batches_and_transformations(name, key):
    make = CASES[name].make
    log_rates = jnp.asarray(CASES[name].rates(4, 5, seed=1), jnp.float32)
    batch = jax.jit(jax.vmap(lambda x: TraceDistribution(make(x))))(log_rates)
    assert batch.batch_shape == (5,)
    drawn = batch.sample(key, (2, 3))
    assert drawn.shape == (2, 3, 5, *batch.event_shape)
    log_prob = batch.log_prob(drawn)
    assert log_prob.shape == (2, 3, 5)
    assert batch.value(drawn).shape[:3] == (2, 3, 5)
    inside = jax.jit(jax.vmap(lambda d, w: d.log_prob(w)))(batch, drawn[1, 2])
    np.testing.assert_allclose(inside, log_prob[1, 2], atol=1e-6)
    alone = TraceDistribution(make(log_rates[3]))
    np.testing.assert_allclose(alone.log_prob(drawn[:, :, 3]), log_prob[:, :, 3], atol=1e-5)
    # One set of winners for every member of the batch, and plates over one structure.
    assert batch.log_prob(drawn[0, 0, 0]).shape == (5,)
    assert alone.expand((6,)).sample(key).shape == (6, *alone.event_shape)
    assert alone.expand((6,)).log_prob(drawn[0, 0, 3]).shape == (6,)
    assert alone.to_event(0) is alone and batch.to_event(1).batch_shape == ()
    two = jax.jit(jax.vmap(jax.vmap(lambda x: TraceDistribution(make(x)))))(
        log_rates[:4].reshape(2, 2, *log_rates.shape[1:])
    )
    assert two.batch_shape == (2, 2)
    four = drawn[0, 0, :4].reshape(2, 2, -1)
    np.testing.assert_allclose(two.log_prob(four).reshape(4), batch.log_prob(drawn[0, 0])[:4], atol=1e-5)
    leaves, treedef = jax.tree.flatten(alone)
    np.testing.assert_allclose(
        jax.tree.unflatten(treedef, leaves).log_prob(drawn[0, 0, 3]), log_prob[0, 0, 3], atol=1e-5
    )


def test_refusals():
    distribution = TraceDistribution(Permutation(jnp.zeros(3)))
    with pytest.raises(ValueError, match="3 places along the last axis"):
        distribution.log_prob(jnp.array([0, 1]))
    with pytest.raises(TypeError, match="winners are integers"):
        distribution.log_prob(jnp.zeros(3))


def test_structures_do_not_import_numpyro():
    code = "import sys, vestige.structures, vestige.estimators; sys.exit('numpyro' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


TINY = {"permutation": (Permutation, 3), "spanning tree": (SpanningTree, 4), "arborescence": (Arborescence, 3)}
OBSERVED, NOISE, PRIOR_SCALE = 1.3, 0.6, 0.8


def tiny(kind):
    """A tree, a normal variable that depends on it, an observation of that; the guide keeps the dependence."""
    make, n = TINY[kind]
    case = CASES[kind]
    prior = jnp.asarray(case.rates(n, seed=2), jnp.float32)
    weights = jax.random.normal(jax.random.key(4), make(prior).value(make(prior).run(prior)).shape)

    def model():
        distribution = TraceDistribution(make(prior))
        mean = jnp.sum(weights * distribution.value(numpyro.sample("tree", distribution)))
        z = numpyro.sample("z", dist.Normal(mean, PRIOR_SCALE))
        numpyro.sample("x", dist.Normal(z, NOISE), obs=OBSERVED)

    def symmetric(log_rates):
        return log_rates + log_rates.T if kind == "spanning tree" else log_rates

    def guide():
        log_rates = symmetric(numpyro.param("log_rates", 0.5 * prior))
        distribution = TraceDistribution(make(log_rates))
        tree = distribution.value(numpyro.sample("tree", distribution))
        slopes = numpyro.param("slopes", 0.5 * weights)
        scale = jnp.exp(numpyro.param("log_scale", jnp.array(-0.3)))
        numpyro.sample("z", dist.Normal(jnp.sum(slopes * tree), scale))

    def elbo(params):
        """By listing all traces, the normal variable integrated out."""
        table = enumerate_traces(make(symmetric(params["log_rates"])))
        p = jax.vmap(make(prior).log_prob)(table.traces)
        flat = table.values.reshape(table.values.shape[0], -1)
        mean_p, mean_q = flat @ weights.ravel(), flat @ params["slopes"].ravel()
        variance = jnp.exp(2 * params["log_scale"])
        z = -jnp.log(PRIOR_SCALE) - ((mean_q - mean_p) ** 2 + variance) / (2 * PRIOR_SCALE**2)
        x = -jnp.log(NOISE) - ((mean_q - OBSERVED) ** 2 + variance) / (2 * NOISE**2) - 0.5 * jnp.log(2 * jnp.pi)
        q = params["log_scale"] + 0.5
        return jnp.sum(jnp.exp(table.log_probs) * (p + z + x + q - table.log_probs))

    params = {"log_rates": 0.5 * prior, "slopes": 0.5 * weights, "log_scale": jnp.array(-0.3)}
    return model, guide, elbo, params


@pytest.mark.slow
@pytest.mark.parametrize("kind", TINY)
def test_the_gradient_of_svi(kind):
    model, guide, elbo, params = tiny(kind)

    @jax.jit
    def estimates(keys):
        loss = lambda params, key: TraceGraph_ELBO().loss(key, params, model, guide)
        return jax.vmap(lambda key: jax.value_and_grad(loss)(params, key))(keys)

    value, slopes = jax.jit(jax.value_and_grad(lambda params: -elbo(params)))(params)
    values, gradients = estimates(jax.random.split(jax.random.key(7), 2000))
    for found, expected in zip(jax.tree.leaves((values, gradients)), jax.tree.leaves((value, slopes)), strict=True):
        found = np.asarray(found, np.float64)
        error = found.std(axis=0) / np.sqrt(len(found))
        off = np.abs(found.mean(axis=0) - expected)
        assert (off <= 4 * error + 1e-5).all(), (off / error, error)


@pytest.mark.slow
def test_svi_learns():
    model, guide, elbo, params = tiny("permutation")
    svi = SVI(model, guide, numpyro.optim.Adam(0.03), TraceGraph_ELBO(num_particles=8))
    result = svi.run(jax.random.key(0), 400, progress_bar=False)
    exact = jax.jit(elbo)
    assert exact(result.params) > exact(params) + 0.1
    assert np.isfinite(result.losses).all()


@pytest.mark.slow
def test_other_objectives_warn():
    model, guide, _, _ = tiny("permutation")
    svi = SVI(model, guide, numpyro.optim.Adam(0.03), Trace_ELBO())
    with pytest.warns(UserWarning, match="does not support models with discrete latent variables"):
        svi.init(jax.random.key(0))


ITEMS, RANKINGS, SHAPE = 4, 25, 3.0  # rates are Gamma(SHAPE, SHAPE) a priori


def gibbs(rankings, *, steps, key):
    """Arrival times given rankings and rates; rates given arrival times; and, since rankings say nothing about the
    total rate, that from its prior (Caron & Doucet 2012). Returns the rates after each step."""

    def step(rates, key):
        key_times, key_rates, key_total = jax.random.split(key, 3)
        structure = Permutation(jnp.log(rates))
        keys = jax.random.split(key_times, rankings.shape[0])
        times = jnp.exp(jax.vmap(lambda r, k: structure.posterior(structure.trace(r), key=k))(rankings, keys))
        gamma = jax.random.gamma(key_rates, SHAPE + rankings.shape[0], (ITEMS,))
        rates = gamma / (SHAPE + jnp.sum(times, axis=0))
        total = jax.random.gamma(key_total, SHAPE * ITEMS) / SHAPE
        rates = rates * total / jnp.sum(rates)
        return rates, rates

    return jax.lax.scan(step, jnp.ones(ITEMS), jax.random.split(key, steps))[1]


@pytest.mark.slow
def test_rankings_by_nuts_and_by_gibbs():
    truth = jnp.array([1.0, 0.3, -0.4, -0.9])
    rankings = TraceDistribution(Permutation(truth)).sample(jax.random.key(3), (RANKINGS,))

    def model():
        rates = numpyro.sample("rates", dist.Gamma(SHAPE, SHAPE).expand((ITEMS,)).to_event(1))
        with numpyro.plate("rankings", RANKINGS):
            numpyro.sample("ranking", TraceDistribution(Permutation(jnp.log(rates))), obs=rankings)

    mcmc = MCMC(NUTS(model), num_warmup=200, num_samples=800, progress_bar=False)
    mcmc.run(jax.random.key(5))
    by_nuts = np.log(np.asarray(mcmc.get_samples()["rates"], np.float64))
    drawn = jax.jit(lambda key: gibbs(rankings, steps=4000, key=key))(jax.random.key(6))
    by_gibbs = np.log(np.asarray(drawn, np.float64))[500:]

    for statistic in (lambda x: x, lambda x: x - x.mean(axis=1, keepdims=True), lambda x: (x - x.mean(axis=0)) ** 2):
        a, b = statistic(by_nuts), statistic(by_gibbs)
        errors = [x.std(axis=0) / np.sqrt(effective_sample_size(x[None])) for x in (a, b)]
        off = np.abs(a.mean(axis=0) - b.mean(axis=0)) / np.hypot(*errors)
        assert (off < 4).all(), off
        assert (np.stack(errors) < 0.06).all()
    # And they are about the rankings: no further from the truth than a posterior should be.
    centred = by_gibbs - by_gibbs.mean(axis=1, keepdims=True)
    z = (centred.mean(axis=0) - (truth - truth.mean())) / centred.std(axis=0)
    assert (np.abs(z) < 3.5).all(), z


def test_without_numpyro_the_message_says_what_to_install():
    program = "import sys; sys.modules['numpyro'] = None; import vestige.structures.as_numpyro"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "as_numpyro needs NumPyro" in done.stderr
    assert "pip install 'vestige[numpyro]'" in done.stderr
