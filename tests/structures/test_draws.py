"""What is drawn: how often, from which noise, and with which scores."""

import jax
import numpy as np
import pytest
from scipy import stats

from .cases import CASES, DRAWS, N, compiled, double, given_winners, listed, mean_is, quick_first


@quick_first
@pytest.mark.slow
def test_values_are_drawn_as_often_as_they_should(name):
    log_rates, out = double(name)
    winners, log_probs = listed(name, N, log_rates)
    with jax.enable_x64(True):
        _, values = given_winners(name, log_rates, winners)
    expected: dict[bytes, float] = {}
    for value, log_prob in zip(np.asarray(values), log_probs, strict=True):
        expected[value.tobytes()] = expected.get(value.tobytes(), 0.0) + np.exp(log_prob)
    found = dict.fromkeys(expected, 0)
    for value in out["value"]:
        found[value.tobytes()] += 1
    wanted = DRAWS * np.array(list(expected.values()))
    observed = np.array(list(found.values()))
    rare = wanted < 10
    if rare.any():
        wanted = np.append(wanted[~rare], wanted[rare].sum())
        observed = np.append(observed[~rare], observed[rare].sum())
    assert stats.chisquare(observed, wanted).pvalue > 1e-4
    # Traces too: log p at the draw is that of its row in the list.
    rows = {row.tobytes(): place for place, row in enumerate(winners)}
    places = [rows[row.astype(np.int32).tobytes()] for row in out["winners"]]
    np.testing.assert_allclose(out["log_prob"], log_probs[places], rtol=0, atol=1e-10)
    np.testing.assert_array_equal(out["log_prob"], out["log_prob again"])


@quick_first
@pytest.mark.slow
def test_scores(name):
    _, out = double(name)
    assert np.isfinite(out["score"]).all()
    np.testing.assert_allclose(out["score"].reshape(DRAWS, -1).sum(axis=1), 0, atol=1e-10)
    mean_is(out["score"].reshape(DRAWS, -1), 0.0, 4.5)


@compiled
def scores(name, log_rates, winners):
    make = CASES[name].make

    def log_prob(log_rates, winners):
        structure = make(log_rates)
        return structure.log_prob(structure.trace(winners))

    return jax.vmap(jax.value_and_grad(log_prob))(log_rates, winners)


@quick_first
@pytest.mark.few(1)
def test_scores_are_slopes(name):
    case, step, rows = CASES[name], 1e-5, 8
    log_rates = case.rates(N, seed=6)
    winners, _ = listed(name, N, log_rates)
    winners = winners[:: max(1, len(winners) // rows)][:rows]
    shifts = np.stack([case.tidy(np.eye(log_rates.size)[k].reshape(log_rates.shape)) for k in range(log_rates.size)])
    grid = log_rates + step * np.concatenate([shifts, -shifts, 0 * shifts[:1]])
    pairs = [(x, w) for w in winners for x in grid]
    with jax.enable_x64(True):
        values, slopes = scores(name, np.stack([x for x, _ in pairs]), np.stack([w for _, w in pairs]))
    values, slopes = np.asarray(values).reshape(len(winners), -1), np.asarray(slopes)
    slopes = slopes.reshape(len(winners), len(grid), *log_rates.shape)[:, -1]
    size = log_rates.size
    expected = (values[:, :size] - values[:, size : 2 * size]) / (2 * step)
    along = np.einsum("wk,sk->ws", slopes.reshape(len(winners), -1), shifts.reshape(size, -1))
    np.testing.assert_allclose(along, expected, atol=1e-8)
