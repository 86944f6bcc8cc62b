"""The conformance suite of the structures' contract: a new structure adds one line to CASES."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import config as jaxtyping_config
from scipy import stats

from vestige.structures import Arborescence, BinaryTree, Categorical, Matching, Permutation, SpanningTree, Subset
from vestige.structures.recursion import traces

from .cases import CASES, compiled, listed, mean_is, played, recursion_of

N = 4
DRAWS = 20_000


@pytest.fixture(params=CASES)
def name(request):
    return request.param


@compiled
def given_winners(name, log_rates, winners):
    structure = CASES[name].make(log_rates)

    def one(winners):
        trace = structure.trace(winners)
        return structure.log_prob(trace), structure.value(trace)

    return jax.vmap(one)(winners)


@compiled
def run(name, log_rates, mask, log_times):
    """Winners, and whether they make up a whole structure."""

    def one(log_rates, mask, log_times):
        structure = CASES[name].make(log_rates, mask=mask)
        trace = structure.run(jnp.where(structure.log_rates > -jnp.inf, log_times, jnp.inf))
        return trace.winners, structure.complete(trace)

    return jax.vmap(one)(log_rates, mask, log_times)


@compiled
def study(name, log_rates, keys):
    """Everything about a draw that the tests below look at."""
    make = CASES[name].make

    def one(log_rates, key):
        first, second = jax.random.split(key)
        structure = make(log_rates)
        draw = structure.sample(key=first)
        log_prob, score = jax.value_and_grad(lambda x: make(x).log_prob(draw.trace))(log_rates)

        def total(log_rates):
            times = make(log_rates).posterior(draw.trace, key=second)
            return jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), times

        slopes, times = jax.grad(total, has_aux=True)(log_rates)
        return {
            "winners": draw.trace.winners,
            "value": draw.value,
            "log_times": draw.log_times,
            "log_prob": draw.log_prob,
            "log_prob again": log_prob,
            "score": score,
            "posterior": times,
            "posterior slopes": slopes,
            "back": structure.run(times).winners,
        }

    return jax.vmap(one)(log_rates, keys)


@functools.cache
def studied(name, n, dtype, draws, scale, seed):
    """Many draws from one structure, as NumPy arrays. Call it with x64 enabled for float64."""
    log_rates = CASES[name].rates(n, seed=seed, scale=scale, dtype=dtype)
    keys = jax.random.split(jax.random.key(seed), draws)
    out = study(name, np.broadcast_to(log_rates, (draws, *log_rates.shape)), keys)
    return log_rates, jax.tree.map(np.asarray, out)


def double(name):
    with jax.enable_x64(True):
        return studied(name, N, np.float64, DRAWS, 0.7, 3)


def present(name, n=N):
    return np.isfinite(np.asarray(CASES[name].make(jnp.zeros(CASES[name].shape(n))).log_rates))


@pytest.mark.parametrize("n", [3, 4, 5])
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


def smaller(name, nodes, trace, n):
    """The trace of a structure on some of the nodes, in the numbers of the whole one."""
    m, nodes = len(nodes), np.asarray(nodes)
    number = (
        (lambda key: nodes[key]) if CASES[name].keys == "vector" else (lambda key: nodes[key // m] * n + nodes[key % m])
    )

    def place(step):
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
        log_rates = np.where(mask if log_rates.ndim == 2 else mask[:, :, None] & mask[:, None, :], 0.0, np.nan)
    with jax.enable_x64(True):
        winners, complete = map(np.asarray, run(name, log_rates, mask, np.log(np.where(times > 0, times, 1.0))))
    times = np.where(log_rates == -np.inf, np.inf, times)
    compared = 0
    for row in range(count):
        nodes = np.flatnonzero(mask[row])
        m = len(nodes)
        there = times[row][nodes] if times.ndim == 2 else times[row][np.ix_(nodes, nodes)]
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


def test_the_posterior_leads_back_to_the_trace(name):
    _, out = double(name)
    np.testing.assert_array_equal(out["back"], out["winners"])
    for scale in (1.0, 8.0):
        _, single = studied(name, 5, np.float32, 20_000, scale, 4)
        assert single["posterior"].dtype == np.float32
        wrong = (single["back"] != single["winners"]).any(axis=1).mean()
        assert wrong <= (1e-4 if name.startswith("arborescence") else 0), wrong


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


@compiled
def posteriors(name, log_rates, winners, keys):
    def one(key):
        def times(log_rates):
            structure = CASES[name].make(log_rates)
            return jnp.exp(structure.posterior(structure.trace(winners), key=key))

        return times(log_rates), jax.jacfwd(times)(log_rates)

    return jax.vmap(one)(keys)


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


@compiled
def masked(name, log_rates, mask, key):
    def total(log_rates):
        structure = CASES[name].make(log_rates, mask=mask)
        draw = structure.sample(key=key)
        times = structure.posterior(draw.trace, key=key)
        return draw.log_prob + jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), (draw.trace.winners, draw.value)

    return jax.value_and_grad(total, has_aux=True)(log_rates)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 1e30])
def test_what_the_mask_hides_changes_nothing(name, garbage):
    case, n = CASES[name], 5
    clean = case.rates(n, seed=9, dtype=np.float32)
    mask = np.array([True, True, True, False, True])
    seen = mask if clean.ndim == 1 else mask[:, None] & mask[None, :]
    key = jax.random.key(2)
    expected = masked(name, clean, mask, key)
    found = masked(name, np.where(seen, clean, np.float32(garbage)), mask, key)
    for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        assert bool(jnp.all(jnp.isfinite(a)))
        np.testing.assert_array_equal(a, b)
    assert (np.asarray(found[1])[~seen] == 0).all()


def test_batches_and_compilation(name):
    case = CASES[name]
    log_rates = case.rates(5, 16, seed=10, dtype=np.float32)
    keys = jax.random.split(jax.random.key(10), 16)
    count = 0

    @jax.jit
    def draws(log_rates, keys):
        nonlocal count
        count += 1
        return jax.vmap(lambda x, key: case.make(x).sample(key=key))(log_rates, keys)

    whole, one = draws(log_rates, keys), draws(log_rates[3:4], keys[3:4])
    assert count == 2
    draws(log_rates + 1, keys)
    assert count == 2
    alone = case.make(jnp.asarray(log_rates[3])).sample(key=keys[3])
    for a, b, c in zip(*map(jax.tree.leaves, (whole, one, alone)), strict=True):
        np.testing.assert_allclose(a[3], b[0], rtol=1e-6)
        np.testing.assert_allclose(a[3], c, rtol=1e-5, atol=1e-6)
        if not jnp.issubdtype(a.dtype, jnp.floating):
            np.testing.assert_array_equal(a[3], c)
    # Whatever rounding does, the mode is the mode.
    np.testing.assert_array_equal(jax.jit(lambda x: case.make(x).mode().value)(log_rates[3]).shape, alone.value.shape)


@compiled
def extremes(name, key):
    """Whether everything is finite, for log-rates and noise drawn here."""
    case = CASES[name]

    def one(key):
        where, drawing, given = jax.random.split(key, 3)
        log_rates = jax.random.uniform(where, case.shape(N), minval=-69.0, maxval=69.0)
        if case.keys == "symmetric":
            log_rates = jnp.triu(log_rates, 1) + jnp.triu(log_rates, 1).T

        def posterior(log_rates, trace):
            structure = case.make(log_rates)
            times = structure.posterior(trace, key=given)
            fine = jnp.all(jnp.where(structure.log_rates > -jnp.inf, jnp.isfinite(times), times == jnp.inf))
            return jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), fine

        draw = case.make(log_rates).sample(key=drawing)
        log_prob, score = jax.value_and_grad(lambda x: case.make(x).log_prob(draw.trace))(log_rates)
        slopes, fine = jax.grad(posterior, has_aux=True)(log_rates, draw.trace)
        finite = [jnp.all(jnp.isfinite(x)) for x in (log_prob, score, slopes)]
        bounded = jnp.all(jnp.abs(score) < 3 * N) & (log_prob < 1e-3)
        return jnp.stack([fine, bounded, *finite])

    return jnp.all(jax.lax.map(one, jax.random.split(key, 2**18 // N), batch_size=2**13), axis=0)


def test_rates_over_sixty_orders_of_magnitude(name):
    """About ten million noise draws over all structures."""
    assert extremes(name, jax.random.key(12)).tolist() == [True] * 5


def test_impossible_winners_are_refused(name):
    log_rates = CASES[name].rates(N, seed=3)
    winners, _ = listed(name, N, log_rates)
    wrong = winners[0].copy()
    wrong[0] = log_rates.size  # not a key
    with jax.enable_x64(True), pytest.raises(eqx.EquinoxRuntimeError, match="no trace has these winners"):
        given_winners(name, log_rates, np.broadcast_to(wrong, winners.shape))
    rest = {row.tobytes() for row in winners}
    swapped = next(
        (row for row in np.unique(winners[:, ::-1], axis=0).astype(np.int32) if row.tobytes() not in rest), None
    )
    if swapped is not None:
        with jax.enable_x64(True), pytest.raises(eqx.EquinoxRuntimeError, match="no trace has these winners"):
            given_winners(name, log_rates, np.broadcast_to(swapped, winners.shape))


def test_a_gradient_through_a_draw_is_refused(name):
    make, key = CASES[name].make, jax.random.key(0)
    log_rates = CASES[name].rates(N, dtype=np.float32)
    with pytest.raises(TypeError, match="expect"):
        jax.jit(jax.grad(lambda x: jnp.sum(make(x).sample(key=key).value)))(log_rates)

    def fine(log_rates):
        draw = make(log_rates).sample(key=key)
        return jnp.sum(jax.lax.stop_gradient(draw.value)) * draw.log_prob

    assert bool(jnp.any(jax.jit(jax.grad(fine))(log_rates) != 0))


@pytest.fixture
def unhooked():
    """As the user has it: without the shape checks that the tests add."""
    before = jaxtyping_config.jaxtyping_disable
    jaxtyping_config.update("jaxtyping_disable", True)
    yield
    jaxtyping_config.update("jaxtyping_disable", before)


@pytest.mark.usefixtures("unhooked")
def test_wrong_shapes_and_types(name):
    case = CASES[name]
    shape = (N, N) if case.keys == "vector" else (N, N + 1)
    with pytest.raises(ValueError, match="vector" if case.keys == "vector" else "square"):
        case.make(jnp.zeros(shape))
    with pytest.raises(TypeError, match="floating point, got int32"):
        case.make(jnp.zeros(case.shape(N), jnp.int32))
    with pytest.raises(TypeError, match="floating point, got int32"):
        case.make(jnp.zeros(case.shape(N), jnp.int32), mask=jnp.ones(N, bool))


@pytest.mark.usefixtures("unhooked")
def test_sizes_that_cannot_be():
    for k in (0, 4):
        with pytest.raises(ValueError, match="k must lie between 1 and the number of items, 3"):
            Subset(jnp.zeros(3), k)
    for root in (-1, 3):
        with pytest.raises(ValueError, match="root must be one of the 3 nodes"):
            Arborescence(jnp.zeros((3, 3)), root)


@compiled
def values(name, log_rates):
    return CASES[name].make(log_rates).sample(key=jax.random.key(0)).value


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rates_that_are_no_numbers(name, bad):
    log_rates = CASES[name].rates(N, dtype=np.float32)
    log_rates[(1, 2)[: log_rates.ndim]] = bad
    if log_rates.ndim == 2:
        log_rates[2, 1] = bad
    with pytest.raises(eqx.EquinoxRuntimeError, match="NaN or \\+inf"):
        values(name, log_rates)


NOTHING = np.float32(-np.inf)
DEAD_ENDS = {
    "no item": (Categorical, np.full(3, NOTHING), "no item is possible"),
    "one item": (lambda x: Subset(x, 2), np.array([0, NOTHING, NOTHING]), "fewer than k = 2"),
    "an item too few": (Permutation, np.array([0, NOTHING, 0]), "never arrives"),
    "a position too few": (BinaryTree, np.array([0, NOTHING, 0]), "never arrives"),
    "two parts": (SpanningTree, np.where(np.eye(4)[[1, 0, 3, 2]] > 0, 0, NOTHING), "not connected"),
    "no arc in": (Arborescence, np.where(np.arange(3) == 2, NOTHING, np.zeros((3, 3))), "no admissible arc"),
    "a cycle apart": (Arborescence, np.where(np.arange(3)[:, None] == 0, NOTHING, np.zeros((3, 3))), "reached"),
    "no root": (lambda x: Arborescence(x, None), np.where(np.eye(3), NOTHING, 0), "no admissible arc"),
    "an empty row": (Matching, np.where(np.arange(3)[:, None] == 0, NOTHING, np.zeros((3, 3))), "dead end"),
}


@pytest.mark.parametrize("kind", DEAD_ENDS)
def test_no_whole_structure(kind):
    make, log_rates, message = DEAD_ENDS[kind]
    draw = eqx.filter_jit(lambda x: make(x).sample(key=jax.random.key(1)).value)
    with pytest.raises(eqx.EquinoxRuntimeError, match=message):
        draw(np.asarray(log_rates, np.float32))


def test_edges_have_one_rate():
    with pytest.raises(eqx.EquinoxRuntimeError, match="not symmetric"):
        eqx.filter_jit(lambda x: SpanningTree(x).log_rates)(np.triu(np.ones((3, 3), np.float32)))
