"""Arrival times given the trace."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vestige.structures.recursion import traces

from .cases import CASES, N, compiled, double, listed, mean_is, present, quick_first, recursion_of, studied


@quick_first
@pytest.mark.slow
def test_the_posterior_leads_back_to_the_trace(name):
    _, out = double(name)
    np.testing.assert_array_equal(out["back"], out["winners"])
    for scale in (1.0, 8.0):
        _, single = studied(name, 5, np.float32, 20_000, scale, 4)
        assert single["posterior"].dtype == np.float32
        wrong = (single["back"] != single["winners"]).any(axis=1).mean()
        assert wrong <= (1e-4 if name.startswith("arborescence") else 0), wrong


@quick_first
def test_posteriors_mix_to_the_prior(name):
    log_rates, out = double(name)
    there = present(name)
    times = np.exp(out["posterior"])
    assert (out["posterior"][:, ~there] == np.inf).all()
    scaled = times[:, there] * np.exp(log_rates[there])
    for column in scaled.T:
        assert stats.kstest(column, "expon").pvalue > 1e-4
    mean_is(scaled, 1.0, 4.5)
    # Independent as well: correlations of the uniforms, and the minimum of each pair.
    uniform = np.exp(-scaled) - 0.5
    pairs = np.array([uniform[:, i] * uniform[:, j] for i in range(scaled.shape[1]) for j in range(i)]).T
    mean_is(pairs, 0.0, 4.5)
    rates = np.exp(log_rates[there])
    for i in range(len(rates)):
        j = (i + 1) % len(rates)
        least = np.minimum(scaled[:, i] / rates[i], scaled[:, j] / rates[j]) * (rates[i] + rates[j])
        assert stats.kstest(least, "expon").pvalue > 1e-4


@compiled
def posteriors(name, log_rates, winners, keys):
    def one(key):
        def times(log_rates):
            structure = CASES[name].make(log_rates)
            return jnp.exp(structure.posterior(structure.trace(winners), key=key))

        return times(log_rates), jax.jacfwd(times)(log_rates)

    return jax.vmap(one)(keys)


@quick_first
@pytest.mark.few(1)
def test_the_mean_of_the_posterior(name):
    """E[E_k | T] = Σ_{s: k ∈ P_s} 1/Λ_s + 1/λ_k for losers; and the slopes of the draws average to its slope."""
    case = CASES[name]
    log_rates = case.rates(N, seed=8, scale=0.5)
    winners, _ = listed(name, N, log_rates)
    winners = max(winners, key=lambda row: (row >= 0).sum())  # with cycles, where there are any
    there = present(name)
    trace = next(
        trace
        for trace in traces(recursion_of(name, N))
        if all(winners[step] == winner for step, (_, winner) in trace.items()) and len(trace) == (winners >= 0).sum()
    )

    def mean(log_rates):
        rates = np.exp(log_rates).ravel()
        out = 1 / rates
        for _, winner in trace.values():
            out[winner] = 0.0
        for candidates, _ in trace.values():
            out[list(candidates)] += 1 / sum(rates[k] for k in candidates)
        return out.reshape(log_rates.shape)

    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(8), 10_000)
        times, slopes = map(np.asarray, posteriors(name, log_rates, winners, keys))
    mean_is(times[:, there], mean(log_rates)[there], 4.5)
    shift = case.tidy(np.random.default_rng(8).normal(size=log_rates.shape))
    along = np.tensordot(slopes[:, there], shift, shift.ndim)
    expected = (mean(log_rates + 1e-5 * shift) - mean(log_rates - 1e-5 * shift)) / 2e-5
    mean_is(along, expected[there], 4.5)
