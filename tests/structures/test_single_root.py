"""Arborescences with one arc from the root: those of the other nodes with a free root, which hangs on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import arborescence_marginals
from vestige.structures import Arborescence, enumerate_values, structure_log_prob

N, ROOT = 4, 1
OTHERS = np.array([0, 2, 3])


@jax.jit
def both(rates):
    single = Arborescence(rates, ROOT, multiroot=False)
    words = rates[OTHERS[:, None], OTHERS[None, :]]
    free = Arborescence(jnp.where(jnp.eye(N - 1, dtype=bool), rates[ROOT][OTHERS][None, :], words), None)
    slope = jax.grad(lambda x: Arborescence(x, ROOT, multiroot=False).log_prob(single.mode().trace))(rates)
    return enumerate_values(single), enumerate_values(free), single.mode(), slope


def laws(values, log_probs):
    return {tuple(map(tuple, np.argwhere(v))): p for v, p in zip(values, log_probs, strict=True) if p > -np.inf}


def test_it_is_that_of_the_other_nodes():
    rates = np.random.default_rng(0).normal(size=(N, N)).astype(np.float32)
    single, free, mode, slope = jax.device_get(both(rates))
    expected = {}
    for value, log_prob in zip(*free, strict=True):
        if log_prob > -np.inf:
            arcs = [(OTHERS[u], OTHERS[v]) for u, v in np.argwhere(value)]
            (top,) = np.flatnonzero(value.sum(axis=0) == 0)
            expected[tuple(sorted([*arcs, (ROOT, OTHERS[top])]))] = log_prob
    found = laws(*single)
    assert found.keys() == expected.keys() and len(found) == 9  # 3 words, 3 trees over them from each
    np.testing.assert_allclose([found[key] for key in expected], list(expected.values()), rtol=1e-5)
    np.testing.assert_allclose(np.exp(list(found.values())).sum(), 1, rtol=1e-5)
    assert mode.valid and mode.value[ROOT].sum() == 1 and mode.value[:, ROOT].sum() == 0
    assert slope[ROOT].any() and np.isfinite(slope).all()


def test_what_is_refused():
    with pytest.raises(ValueError, match="multiroot=False is for a fixed root, and root is None"):
        Arborescence(jnp.zeros((3, 3)), None, multiroot=False)


def test_its_relaxation():
    """With equal weights each of the 9 trees is as likely."""
    found = jax.jit(lambda x: arborescence_marginals(x, ROOT, multiroot=False))(jnp.zeros((N, N)))
    np.testing.assert_allclose(found.sum(axis=0), [1, 0, 1, 1], atol=1e-6)
    np.testing.assert_allclose(found[ROOT], [1 / 3, 0, 1 / 3, 1 / 3], atol=1e-6)


@pytest.mark.slow
def test_masks_and_few_nodes():
    rates = np.random.default_rng(1).normal(size=(N, N)).astype(np.float32)

    @jax.jit
    def run(mask):
        def of(x):
            draw = Arborescence(x, ROOT, multiroot=False, mask=mask).mode()
            return draw.log_prob, draw

        (_, draw), slope = jax.value_and_grad(of, has_aux=True)(rates)
        return draw, slope, structure_log_prob(Arborescence(rates, ROOT, multiroot=False, mask=mask), draw.value)

    for size in range(N + 1):
        mask = np.zeros(N, bool)
        mask[[ROOT, 3, 0, 2][:size]] = True
        draw, slope, log_prob = jax.device_get(run(mask))
        assert draw.valid and draw.value.sum() == max(size - 1, 0) and np.isfinite(slope).all()
        assert size > 2 or (draw.log_prob == 0 and (slope == 0).all())
        assert draw.log_prob <= log_prob + 1e-6
