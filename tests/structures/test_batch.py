"""Batches: every row is what it is alone, whatever its neighbours are."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import LeaveOneOut, expect, expect_draw, expect_trace
from vestige.structures import (
    Batch,
    BinaryTree,
    Categorical,
    Choices,
    GibbsArborescence,
    GibbsLabelled,
    GibbsProjectiveArborescence,
    GibbsSpanningTree,
    Permutation,
    Subset,
    best_values,
    entropy,
    kl,
    marginals,
    pair_marginals,
    structure_log_prob,
    trace_given_value,
)

from .cases import CASES

SHAPE, N = (2, 3), 4
RATES = np.random.default_rng(0).normal(size=(*SHAPE, N)).astype(np.float32)
MASKS = np.array(
    [
        [[True, True, True, True], [False, False, False, False], [True, False, True, False]],
        [[False, True, True, False], [True, True, False, True], [True, True, True, False]],
    ]
)
KEY = jax.random.key(4)


def cost(value):
    return jnp.sum(value * jnp.arange(1.0, N + 1)) ** 2


@jax.jit
def together(rates, masks, values):
    sets = Batch.of(Subset, rates, 2, mask=masks, batch_ndim=2)

    def total(rates):
        sets = Batch.of(Subset, rates, 2, mask=masks, batch_ndim=2)
        estimates = expect(cost, sets, estimator=LeaveOneOut(2), key=KEY)
        return jnp.sum(estimates) + jnp.sum(sets.map(structure_log_prob, values)), estimates

    (_, estimates), slopes = jax.value_and_grad(total, has_aux=True)(rates)
    draws = sets.sample(key=KEY)
    return {
        "draws": (draws.value, draws.trace.winners, draws.log_prob),
        "log_prob": sets.log_prob(draws.trace),
        "value": sets.value(draws.trace),
        "given": sets.trace(draws.trace.winners).winners,
        "solved": sets.solve(draws.log_times).value,
        "posterior": sets.posterior(draws.trace, key=KEY),
        "marginals": sets.map(marginals),
        "kl": sets.map(kl, Batch(sets.each.with_log_rates(0 * rates), SHAPE), level="times"),
        "mode": sets.mode().value,
        "estimates": estimates,
        "slopes": slopes,
    }


@jax.jit
def alone(rates, mask, value, key):
    one = Subset(rates, 2, mask=mask)

    def total(rates):
        one = Subset(rates, 2, mask=mask)
        estimate = expect(cost, one, estimator=LeaveOneOut(2), key=key)
        return estimate + structure_log_prob(one, value), estimate

    (_, estimate), slope = jax.value_and_grad(total, has_aux=True)(rates)
    draw = one.sample(key=key)
    return {
        "draws": (draw.value, draw.trace.winners, draw.log_prob),
        "log_prob": draw.log_prob,
        "value": draw.value,
        "given": draw.trace.winners,
        "solved": draw.value,
        "posterior": one.posterior(draw.trace, key=key),
        "marginals": marginals(one),
        "kl": kl(one, one.with_log_rates(0 * rates), level="times"),
        "mode": one.mode().value,
        "estimates": estimate,
        "slopes": slope,
    }


SETS = MASKS & (np.cumsum(MASKS, axis=-1) <= 2)
"""Two of those that are there."""


@pytest.mark.slow
def test_a_row_of_a_batch_is_what_it_is_alone():
    values = SETS.astype(np.float32)
    found = jax.device_get(together(RATES, MASKS, values))
    keys = jax.random.split(KEY, SHAPE)
    for row in np.ndindex(SHAPE):
        expected = jax.device_get(alone(RATES[row], MASKS[row], values[row], keys[row]))
        mine = jax.tree.map(lambda leaf, row=row: leaf[row], found)
        jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5), mine, expected)
    assert found["log_prob"][0, 1] == 0 and (found["slopes"][0, 1] == 0).all() and found["estimates"][0, 1] == 0


def test_every_row_draws_by_a_key_of_its_own():
    rates = jnp.zeros((6, 5))
    found = jax.jit(lambda key: Batch.of(Categorical, rates).sample(key=key).value)(KEY)
    each = jax.jit(jax.vmap(lambda row, key: Categorical(row).sample(key=key).value))
    np.testing.assert_array_equal(found, each(rates, jax.random.split(KEY, 6)))


def test_what_is_refused():
    rates = jnp.zeros((2, 3))
    with pytest.raises(ValueError, match=r"Batch.of: every array must have the 1 axes of the batch first, \(2,\)"):
        Batch.of(Subset, rates, 2, mask=jnp.ones((3, 3), bool))
    with pytest.raises(ValueError, match=r"the 3 axes of the batch first.*\(2, 3\)"):
        Batch.of(Categorical, rates, batch_ndim=3)
    with pytest.raises(ValueError, match="there must be an array"):
        Batch.of(lambda: Categorical(jnp.zeros(3)))
    with pytest.raises(TypeError, match="make must return a structure, got"):
        Batch.of(jnp.sum, rates)
    sets = Batch.of(Categorical, rates)
    with pytest.raises(ValueError, match=r"Batch.map: .* \(2,\); got the shapes \(3,\)"):
        sets.map(structure_log_prob, jnp.zeros(3))
    with pytest.raises(ValueError, match=r"no item is possible.* \(1 of 2 rows\)"):
        Batch.of(Categorical, rates.at[1].set(-jnp.inf)).mode()


@pytest.mark.slow
def test_expectations_of_traces_and_draws_and_sizes_of_their_own():
    counts = jnp.array([0, 2, 3])
    sets = Batch.of(Subset, jnp.asarray(RATES[0]), counts)
    both = lambda draw: (cost(draw.value), draw.value)
    run = jax.jit(
        lambda sets: (
            expect(cost, sets, estimator=LeaveOneOut(2), key=KEY),
            expect_trace(lambda value, trace: cost(value), sets, estimator=LeaveOneOut(2), key=KEY),
            expect_draw(both, sets, estimator=LeaveOneOut(2), key=KEY, has_aux=True),
            sets.map(lambda one, key: jax.random.uniform(key), key=KEY),
        )
    )
    plain, traced, (drawn, values), noise = run(sets)
    np.testing.assert_allclose(plain, traced, rtol=1e-6)
    assert drawn.shape == (3,) and len(set(noise.tolist())) == 3
    np.testing.assert_allclose(values.sum(axis=1), counts)
    parses = Batch.of(GibbsArborescence, jnp.zeros((3, N, N)), None)
    known = parses.map(lambda one, arcs: one.given(present=arcs), jnp.zeros((3, N, N), bool).at[0, 1, 2].set(True))
    assert isinstance(known, Batch)
    counted = jnp.exp(known.map(GibbsArborescence.log_partition))
    np.testing.assert_allclose(counted, [16, 64, 64], rtol=1e-4)  # 12 arcs, each in 16 of 64 trees


ROWS = np.array(
    [[True, True, True, True], [False, True, True, True], [False, False, False, False], [True, True, False, True]]
)
EXACT = {
    "marginals": marginals,
    "pairs": pair_marginals,
    "entropy": lambda one: entropy(one, level="value"),
    "times": lambda one: entropy(one, level="times"),
    "kl": lambda one: kl(one, one.with_log_rates(0.5 * one.log_rates), level="value"),
    "log_prob": lambda one: structure_log_prob(one, jax.lax.stop_gradient(one.mode().value)),
    "again": lambda one: one.log_prob(trace_given_value(one, jax.lax.stop_gradient(one.mode().value), key=KEY)),
    "best": lambda one: best_values(one, 2).log_probs[:1],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@pytest.mark.exhaustive
def test_what_is_exact_knows_rows_of_padding(name):
    """Masks at the start, in the middle and of everything: finite, zero where nothing is there, and as without them."""
    case, roots = CASES[name], {"arborescence": 0, "arborescence, one arc from the root": 0, "arborescence, root 1": 1}
    masks = ROWS.copy()
    if name in roots:
        masks[[0, 1, 3], roots[name]] = True
    rates = case.rates(N, len(masks), seed=2, dtype=np.float32)
    left_out = {"best"} if name == "permutation" else set()  # refused, by name

    @jax.jit
    def run(rates, masks):
        def one(rates, mask):
            structure = case.make(rates, mask=mask)
            found = {key: of(structure) for key, of in EXACT.items() if key not in left_out}
            return sum(jnp.sum(leaf) for key, leaf in found.items() if key != "best"), found

        return jax.vmap(jax.value_and_grad(one, has_aux=True))(rates, masks)

    (_, found), slopes = jax.device_get(run(rates, masks))
    for key, leaf in found.items():
        assert np.isfinite(leaf).all(), (key, leaf)
        np.testing.assert_array_equal(leaf[2], 0, err_msg=key)
    assert np.isfinite(slopes).all() and (slopes[2] == 0).all()
    noisy = np.where(case.seen(masks), rates, np.float32(np.nan))
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(run(noisy, masks)), ((_, found), slopes))


GIBBS = {
    "arborescence": lambda x, mask: GibbsArborescence(x, None, mask=mask),
    "projective": lambda x, mask: GibbsProjectiveArborescence(x, None, mask=mask),
    "spanning tree": lambda x, mask: GibbsSpanningTree((x + x.T) / 2, mask=mask),
    "labelled": lambda x, mask: GibbsLabelled(GibbsArborescence(x, mask=mask), jnp.stack([x, 2 * x], axis=2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GIBBS)
@pytest.mark.exhaustive
def test_gibbs_distributions_know_rows_of_padding(name):
    weights = np.random.default_rng(1).normal(size=(len(ROWS), N, N)).astype(np.float32)
    masks = ROWS.copy()
    masks[[0, 1, 3], 0] = True

    @eqx.filter_jit
    def run(weights):
        def one(x, mask):
            tree = GIBBS[name](x, mask)
            draw = tree.sample(key=KEY)
            found = tree.log_partition(), tree.entropy(), draw.log_prob, jnp.sum(tree.marginals())
            return sum(found), (*found, draw.value, tree.mode().value)

        return jax.vmap(jax.value_and_grad(one, has_aux=True))(weights, masks)

    (_, found), slopes = jax.device_get(run(weights))
    assert all(np.isfinite(leaf).all() and (leaf[2] == 0).all() for leaf in (*found, slopes))
    np.testing.assert_allclose(found[3][[0, 1]], (3 if name != "spanning tree" else 6), rtol=1e-4)
    noisy = np.where(masks[:, :, None] & masks[:, None, :], weights, np.float32(np.nan))
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(run(noisy)), ((_, found), slopes))


def test_other_kinds_have_batches_too():
    """Shapes alone: nothing is run."""
    for make, shape in ((Choices, (N, 2)), (Permutation, (N,)), (BinaryTree, (N,)), (Categorical, (N,))):
        drawn = jax.eval_shape(
            lambda x, make=make: Batch.of(make, x, batch_ndim=2).sample(key=KEY).value, jnp.zeros((2, 3, *shape))
        )
        assert drawn.shape[:2] == (2, 3)
