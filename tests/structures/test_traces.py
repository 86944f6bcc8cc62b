"""Traces: their probabilities, and the compiled algorithm against the one in plain Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .cases import CASES, N, compiled, given_winners, listed, once_each, played


@pytest.mark.parametrize("n", [pytest.param(3, marks=pytest.mark.slow), 4, pytest.param(5, marks=pytest.mark.slow)])
def test_the_probabilities_of_all_traces(name, n):
    if n > CASES[name].whole:
        pytest.skip("too many traces")
    log_rates = CASES[name].rates(n, seed=n)
    winners, expected = listed(name, n, log_rates)
    assert np.exp(expected).sum() == pytest.approx(1, abs=1e-10)
    with jax.enable_x64(True):
        log_probs, values = given_winners(name, log_rates, winners)
        assert log_probs.dtype == jnp.float64
    np.testing.assert_allclose(log_probs, expected, rtol=0, atol=1e-10)
    assert set(np.unique(values)) <= {0.0, 1.0}


@compiled
def run(name, log_rates, mask, log_times):
    """Winners, and whether they make up a whole structure."""

    def one(log_rates, mask, log_times):
        structure = CASES[name].make(log_rates, mask=mask)
        trace = structure.run(jnp.where(structure.log_rates > -jnp.inf, log_times, jnp.inf))
        return trace.winners, structure.complete(trace)

    return jax.vmap(one)(log_rates, mask, log_times)


def smaller(name, nodes, trace, n):
    """The trace of a structure on some of the nodes, in the numbers of the whole one."""
    m, nodes = len(nodes), np.asarray(nodes)
    number = {
        "vector": lambda key: nodes[key],
        "rows": lambda key: nodes[key // 2] * 2 + key % 2,
    }.get(CASES[name].keys, lambda key: nodes[key // m] * n + nodes[key % m])

    def place(step):
        if name == "choices":
            return nodes[step]
        if not name.startswith("arborescence"):
            return step
        return nodes[step] if step < m else 2 * n - 1 if step == 2 * m - 1 else n + step - m

    return {place(step): number(winner) for step, (_, winner) in trace.items()}


def clear(name, trace, times, m):
    """Whether no tie was met between arcs into different nodes of a cycle: rounding decides those."""
    if not name.startswith("arborescence"):
        return True
    left = times.ravel().copy()
    for step, (candidates, winner) in sorted(trace.items()):
        least = left[winner]
        if m <= step < 2 * m - 1 and any(left[key] == least and key % m != winner % m for key in candidates):
            return False
        left[list(candidates)] -= least
    return True


@pytest.mark.parametrize("kind", ["any", "ties", "impossible", "masked"])
def test_the_compiled_algorithm_is_the_one_in_plain_python(name, kind):
    n, count = 5, 1000
    rng = np.random.default_rng(11)
    case = CASES[name]
    times = case.tidy(rng.exponential(size=(count, *case.shape(n))))
    log_rates, mask = np.zeros_like(times), np.ones((count, n), bool)
    if kind == "ties":
        times = np.ceil(times * 2)
    elif kind == "impossible":
        log_rates = case.tidy(np.where(rng.uniform(size=times.shape) < 0.2, -np.inf, 0.0))
    elif kind == "masked":
        mask = rng.uniform(size=mask.shape) < 0.6
        mask[:, :2] = True
        mask[:7] = True
        log_rates = np.where(case.seen(mask), 0.0, np.nan)
    with jax.enable_x64(True):
        winners, complete = map(np.asarray, run(name, log_rates, mask, np.log(np.where(times > 0, times, 1.0))))
    times = np.where(log_rates == -np.inf, np.inf, times)
    compared = 0
    for row in range(count):
        nodes = np.flatnonzero(mask[row])
        m = len(nodes)
        there = times[row][case.among(nodes)]
        with np.errstate(invalid="ignore"):
            trace = played(name, m, there)
        whole = all(np.isfinite(there.ravel()[winner]) for _, winner in trace.values())
        assert complete[row] == whole
        if not whole or (kind == "ties" and not clear(name, trace, there, m)):
            continue
        compared += 1
        expected = np.full(winners.shape[1], -1)
        for step, key in smaller(name, nodes, trace, n).items():
            expected[step] = key
        np.testing.assert_array_equal(winners[row], expected)
    assert compared >= (100 if kind == "impossible" else 250), compared


@once_each
@pytest.mark.few(4)
def test_impossible_winners_are_refused(name):
    log_rates = CASES[name].rates(N, seed=3)
    winners, _ = listed(name, N, log_rates)
    wrong = winners[0].copy()
    wrong[0] = log_rates.size  # not a key
    with jax.enable_x64(True):
        log_probs, _ = given_winners(name, log_rates, np.broadcast_to(wrong, winners.shape))
        assert np.all(np.asarray(log_probs) == -np.inf)
    with pytest.raises(ValueError, match="no trace has these winners"):
        CASES[name].make(jnp.asarray(log_rates, jnp.float32)).trace(jnp.asarray(wrong))
    rest = {row.tobytes() for row in winners}
    swapped = next(
        (row for row in np.unique(winners[:, ::-1], axis=0).astype(np.int32) if row.tobytes() not in rest), None
    )
    if swapped is not None:
        with jax.enable_x64(True):
            log_probs, _ = given_winners(name, log_rates, np.broadcast_to(swapped, winners.shape))
            assert np.all(np.asarray(log_probs) == -np.inf)
