"""What is missing, against the sum over everything."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.tied.oracle import Small, bits, random_pair
from vestige.models.tied import Bits, OneHot, completed, exact_completion, full, inpainted, tied_pair, untied

KNOWN = np.array([True, False, True, False])
DATA = np.array([1.0, np.nan, 0.0, np.nan])


def small(seed):
    """A tied 4-3-2 net with large weights, far from consistent."""
    draw = np.random.default_rng(seed)
    weights = [1.5 * draw.normal(size=(4, 3)), 1.5 * draw.normal(size=(3, 2))]
    biases = [draw.normal(size=n) for n in (4, 3, 3, 2)]
    return Small(weights, biases[:2], biases[2:], np.zeros(2))


def summed(net):
    """E[missing | known] from every image's probability."""
    fitting = [x for x in bits(4) if np.all(x[KNOWN] == DATA[KNOWN])]
    chances = np.array([net.likelihood(x) for x in fitting])
    return chances @ np.array(fitting) / chances.sum()


@pytest.mark.parametrize("seed", range(3))
def test_enumeration_is_the_sum_over_images(seed):
    net = small(seed)
    found = jax.jit(exact_completion)(net.pair().resolve(), jnp.asarray(DATA), jnp.asarray(KNOWN))
    np.testing.assert_allclose(found, summed(net), rtol=1e-9)


@pytest.mark.slow
def test_the_chain_is_biased_and_importance_sampling_is_not(key):
    """The worst of twenty nets for the chain; 4 standard errors of the weighted mean."""
    nets = [small(seed) for seed in range(20)]
    data, known = jnp.asarray(DATA), jnp.asarray(KNOWN)
    chain = jax.jit(lambda n, k: inpainted(n, jnp.where(known, data, 0.0), known, sweeps=4000, key=k))
    weighted = jax.jit(lambda n, k: completed(n, data, known, samples=20_000, key=k))
    missed, errors = [], []
    for i, net in enumerate(nets):
        k = jax.random.fold_in(key, i)
        exact, found = summed(net), weighted(net.pair().resolve(), k)
        missed.append(np.abs(np.asarray(chain(net.pair().resolve(), k)) - exact).max())
        inside = np.clip(exact, 0.0, 1.0)  # which rounding may leave by 1e-7
        allowed = 4 * np.sqrt(inside * (1 - inside) / float(found.ess)) + 1e-12
        np.testing.assert_array_less(np.abs(np.asarray(found.mean) - inside), allowed)
        assert 1 <= float(found.ess) <= 20_000
        errors.append(np.abs(np.asarray(found.mean) - exact).max())
    assert max(missed) > 0.2 and np.mean(missed) > 0.08  # what the docstring of `inpainted` says
    assert max(errors) < 0.05 and np.mean(errors) < 0.01


@pytest.mark.slow
def test_untied_nets_and_images_too(key):
    pair = random_pair(4, 3, 2, tie=untied, key=key)
    net, data, known = pair.resolve(), jnp.asarray(DATA), jnp.asarray(KNOWN)
    exact = jax.jit(exact_completion)(net, data, known)
    found = jax.jit(lambda *given: completed(*given, samples=20_000, key=key))(net, data, known)
    np.testing.assert_allclose(found.mean, exact, atol=4 * 0.5 / np.sqrt(float(found.ess)))
    np.testing.assert_array_equal(np.asarray(found.mean)[KNOWN], DATA[KNOWN])


def test_what_cannot_be_completed_is_refused(key):
    net = random_pair(4, 3, tie=full, key=key).resolve()
    known = jnp.asarray(KNOWN)
    grey = jnp.asarray([0.5, 0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="completed: data must be bits, 0 or 1"):
        completed(net, grey, known, samples=4, key=key)
    with pytest.raises(ValueError, match="exact_completion: data must be bits, 0 or 1"):
        exact_completion(net, grey, known)
    assert np.isnan(jax.jit(lambda x: exact_completion(net, x, known))(grey)).all()
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        completed(net, jnp.zeros(4), known, samples=0, key=key)
    with pytest.raises(ValueError, match=r"data and known must be \(4,\), got \(3,\) and \(3,\)"):
        exact_completion(net, jnp.zeros(3), known[:3])
    classes = tied_pair([OneHot(3), Bits(2)], key=key).resolve()
    with pytest.raises(ValueError, match="layer 0 must be of bits, got OneHot"):
        exact_completion(classes, jnp.zeros(3), jnp.ones(3, bool))
