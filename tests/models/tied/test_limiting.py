"""Where a pair ends that goes up and down: the chain of all states, by plain numpy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.models.tied.oracle import Small, bits
from vestige.models.tied import Bits, chain_end, exact_limiting, exact_log_likelihood, few_pairs, tied_pair

DRAW = np.random.default_rng(0)
SIZES = (3, 2, 2)


def pair(seed=0, scale=1.5):
    draw = np.random.default_rng(seed)
    matrices = lambda: [scale * draw.normal(size=shape) for shape in itertools.pairwise(SIZES)]
    vectors = lambda sizes: [draw.normal(size=n) for n in sizes]
    return Small(matrices(), vectors(SIZES[:-1]), vectors(SIZES[1:]), draw.normal(size=SIZES[-1]), matrices())


def by_hand(small):
    """p(x), and the invariant law of x -> x': the left eigenvector of the matrix of all 8 states."""
    data, hidden = bits(SIZES[0]), list(small.hidden())
    tops = bits(SIZES[-1])
    joint = np.array([[small.p(x, h) for h in hidden] for x in data])
    place = [next(n for n, top in enumerate(tops) if np.array_equal(top, h[-1])) for h in hidden]
    with_top = np.array([[joint[i, np.array(place) == t].sum() for t in range(len(tops))] for i in range(len(data))])
    down = with_top / with_top.sum(0)
    up = np.array(
        [
            [sum(small.q(x, h) for h, n in zip(hidden, place, strict=True) if n == t) for t in range(len(tops))]
            for x in data
        ]
    )
    turn = up @ down.T
    values, vectors = np.linalg.eig(turn.T)
    law = np.real(vectors[:, np.argmax(np.real(values))])
    return joint.sum(1), law / law.sum()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_limiting_law_is_the_invariant_one(seed):
    small = pair(seed)
    own, law = by_hand(small)
    net = small.pair(tie=None).resolve()
    found = jax.jit(exact_limiting)(net)
    data = jnp.asarray(np.array(bits(SIZES[0])))
    np.testing.assert_allclose(np.exp(exact_log_likelihood(net, data, found.log_top)), law, rtol=2e-4)
    assert float(found.divergence) == pytest.approx(np.sum(law * np.log(law / own)), rel=1e-3, abs=1e-6)
    assert float(found.divergence) > 1e-4


def test_one_joint_model_stays_where_it_is():
    """A machine with one hidden unit is a transposed pair: its p(h) fits into the prior. Any other prior does not."""
    weights, down, up = DRAW.normal(size=(3, 1)), DRAW.normal(size=3), np.array([0.4])
    prior = up + np.sum(np.logaddexp(0, down + weights[:, 0]) - np.logaddexp(0, down))
    found = exact_limiting(Small([weights], [down], [up], prior).pair().resolve())
    assert abs(float(found.divergence)) < 1e-6
    np.testing.assert_allclose(np.exp(found.log_top)[1], 1 / (1 + np.exp(-prior[0])), rtol=1e-5)
    assert float(exact_limiting(Small([weights], [down], [up], prior + 1).pair().resolve()).divergence) > 1e-3


@pytest.mark.slow
def test_chains_end_in_the_limiting_law():
    small = pair(3, scale=1.0)
    _, law = by_hand(small)
    net, count = small.pair(tie=None).resolve(), 40_000
    end = jax.jit(jax.vmap(lambda key: chain_end(net, jnp.ones(3), rounds=30, key=key)))(
        jax.random.split(jax.random.key(0), count)
    )
    states = np.asarray(end) @ [4, 2, 1]
    shares = np.bincount(states.astype(int), minlength=8) / count
    assert np.all(np.abs(shares - law) < 4 * np.sqrt(law * (1 - law) / count))


def test_no_round_changes_nothing_and_likelihoods_agree_where_the_top_is_the_prior():
    small = pair(4)
    net = small.pair(tie=None).resolve()
    start = jnp.array([1.0, 0.0, 1.0])
    np.testing.assert_array_equal(chain_end(net, start, rounds=0, key=jax.random.key(0)), start)
    data = jnp.asarray(np.array(bits(3)))
    log_top = jnp.log(jnp.array([small_prior(small, t) for t in bits(2)]))
    np.testing.assert_allclose(exact_log_likelihood(net, data, log_top), exact_log_likelihood(net, data), rtol=1e-5)


def small_prior(small, top):
    return np.prod([s if bit else 1 - s for bit, s in zip(top, 1 / (1 + np.exp(-small.prior)), strict=True)])


def test_more_states_than_can_be_summed_over_are_refused():
    net = drawn(lambda key: tied_pair([Bits(25), Bits(3)], key=key)).resolve()
    assert not few_pairs(net) and few_pairs(pair().pair(tie=None).resolve())
    with pytest.raises(ValueError, match="layers have 33,554,432, 8 states, and neighbouring ones at most 16,777,216"):
        exact_limiting(net)
