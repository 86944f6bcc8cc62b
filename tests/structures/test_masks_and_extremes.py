"""What is masked, batched, or far from one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import Critic, GivenSet, LeaveOneOut, Relax, WithoutReplacement, expect

from .cases import CASES, N, compiled, once_each, quick_first


@compiled
def masked(name, log_rates, mask, key):
    def total(log_rates):
        structure = CASES[name].make(log_rates, mask=mask)
        draw = structure.sample(key=key)
        times = structure.posterior(draw.trace, key=key)
        return draw.log_prob + jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), draw

    return jax.value_and_grad(total, has_aux=True)(log_rates)


@once_each
@pytest.mark.parametrize("garbage", [np.nan, *(pytest.param(x, marks=pytest.mark.slow) for x in (np.inf, 1e30))])
@pytest.mark.few(2)
def test_what_the_mask_hides_changes_nothing(name, garbage):
    case, n = CASES[name], 5
    clean = case.rates(n, seed=9, dtype=np.float32)
    mask = np.array([True, True, True, False, True])
    seen = case.seen(mask)
    key = jax.random.key(2)
    expected = masked(name, clean, mask, key)
    found = masked(name, np.where(seen, clean, np.float32(garbage)), mask, key)
    jax.tree.map(np.testing.assert_array_equal, expected, found)
    (total, draw), slope = expected
    assert all(np.isfinite(leaf).all() for leaf in (total, slope, draw.value, draw.log_prob))
    assert (np.asarray(found[1])[~seen] == 0).all()


TRACED: list[str] = []
"""The names of the structures whose batches were traced, one for each program."""


@compiled
def draws(name, log_rates, keys):
    TRACED.append(name)
    return jax.vmap(lambda x, key: CASES[name].make(x).sample(key=key))(log_rates, keys)


@quick_first
@pytest.mark.few(1)
def test_batches_and_compilation(name):
    log_rates, keys = CASES[name].rates(5, 16, seed=10, dtype=np.float32), jax.random.split(jax.random.key(10), 16)
    whole = draws(name, log_rates, keys)
    count = TRACED.count(name)
    draws(name, log_rates + np.float32(1), keys)
    assert TRACED.count(name) == count  # other values are no other program
    (_, alone), _ = masked(name, log_rates[3], np.ones(5, bool), keys[3])
    for a, b in zip(*map(jax.tree.leaves, (whole, alone)), strict=True):
        agree(a[3], b)
    mode = jax.eval_shape(lambda x: CASES[name].make(x).mode().value, log_rates[3])
    assert mode.shape == alone.value.shape


@pytest.mark.slow
def test_another_size_of_batch_is_another_program_of_the_same_rows(name):
    log_rates, keys = CASES[name].rates(5, 16, seed=10, dtype=np.float32), jax.random.split(jax.random.key(10), 16)
    whole = draws(name, log_rates, keys)
    count = TRACED.count(name)
    one = draws(name, log_rates[3:4], keys[3:4])
    assert TRACED.count(name) == count + 1
    for a, b in zip(*map(jax.tree.leaves, (whole, one)), strict=True):
        np.testing.assert_allclose(a[3], b[0], rtol=1e-6)


@compiled
def of_one(name, log_rates, key):
    """A draw without a batch."""
    return CASES[name].make(log_rates).sample(key=key)


def agree(one, other):
    """Whatever rounding does, winners and values are the same."""
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    if not jnp.issubdtype(one.dtype, jnp.floating):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_jit_changes_nothing(name):
    """Op by op, which takes several times as long."""
    log_rates, key = CASES[name].rates(5, seed=10, dtype=np.float32), jax.random.key(10)
    plain = CASES[name].make(jnp.asarray(log_rates)).sample(key=key)
    jax.tree.map(agree, of_one(name, log_rates, key), plain)


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


@pytest.mark.slow
def test_rates_over_sixty_orders_of_magnitude(name):
    """About ten million noise draws over all structures."""
    assert extremes(name, jax.random.key(12)).tolist() == [True] * 5


MASKS = np.array(
    [
        [True, True, True, True, True],
        [False, False, True, True, True],
        [True, True, False, True, True],
        [False, False, False, False, False],
        [True, True, True, False, False],
    ]
)


@compiled
def rows(name, log_rates, masks, keys):
    """Of every row of a batch: value, log-probability, posterior and estimates, and the gradient of their sum."""
    make = CASES[name].make
    estimators = [LeaveOneOut(2), Relax(Critic(log_rates[0].size, 4, key=jax.random.key(5)))]
    if name == "subset":
        estimators += [Relax(Critic(log_rates[0].size, 4, key=jax.random.key(5)), 1, GivenSet())]
    if name in ("subset", "categorical"):
        estimators += [WithoutReplacement(2)]

    def one(log_rates, mask, key):
        structure = make(log_rates, mask=mask)
        draw = structure.sample(key=key)
        times = structure.posterior(draw.trace, key=key)
        cost = lambda value: jnp.sum(jnp.sin(jnp.arange(value.size, dtype=value.dtype) * value.ravel()))
        found = [expect(cost, structure, estimator=estimator, key=key) for estimator in estimators]
        known = draw.log_prob, jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), *found
        return sum(known), (draw.value, draw.valid, structure.mode().value, *known)

    return jax.vmap(jax.value_and_grad(one, has_aux=True))(log_rates, masks, keys)


@pytest.mark.slow
def test_rows_with_masks_anywhere_and_a_row_of_padding(name):
    """Masked at the start, in the middle, wholly, at the end: what is masked changes nothing, neither do neighbours."""
    case = CASES[name]
    if name in (
        "arborescence",
        "arborescence, root 1",
        "arborescence, one arc from the root",
    ):  # a fixed root is there, or nobody is
        root = 1 if "1" in name else 0
        masks = np.where(MASKS.any(1)[:, None] & (np.arange(5) == root), True, MASKS)
    else:
        masks = MASKS
    log_rates = case.rates(5, len(masks), seed=11, dtype=np.float32)
    keys = jax.random.split(jax.random.key(4), len(masks))
    garbage = np.where(case.seen(masks), log_rates, np.float32(np.nan))
    clean = jax.device_get(rows(name, log_rates, masks, keys))
    found = jax.device_get(rows(name, garbage, masks, keys))
    jax.tree.map(np.testing.assert_array_equal, found, clean)
    others = masks.copy()
    others[3] = True
    ((_, known), slope), (_, without) = found, rows(name, log_rates, others, keys)
    value, valid, mode, log_prob, *rest = known
    assert valid.all()
    for leaf in jax.tree.leaves((known, slope)):
        assert np.isfinite(leaf).all()
    assert not value[3].any() and not mode[3].any() and log_prob[3] == 0 and not slope[3].any()
    assert all(x[3] == 0 for x in rest)
    assert (slope[~case.seen(masks)] == 0).all()
    np.testing.assert_allclose(np.delete(slope, 3, 0), np.delete(np.asarray(without), 3, 0), rtol=1e-5, atol=1e-6)
