import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import SigmoidNorm, Softmax, SoftplusNorm

LOGITS = jnp.array([[0.5, -1.0, 2.0, 0.0], [3.0, 3.0, -2.0, 1.0]])
MASK = jnp.array([True, True, False, True])


def by_hand(positive):
    kept = np.asarray(positive) * np.asarray(MASK)
    return kept / kept.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("weighting", "positive"),
    [
        (Softmax(), np.exp(LOGITS)),
        (SoftplusNorm(), np.log1p(np.exp(LOGITS))),
        (SigmoidNorm(), 1 / (1 + np.exp(-LOGITS))),
    ],
    ids=["softmax", "softplus", "sigmoid"],
)
class TestWeighting:
    def test_by_hand(self, weighting, positive):
        np.testing.assert_allclose(weighting(LOGITS, MASK), by_hand(positive), rtol=1e-5)

    def test_nothing_written_gives_zero_and_no_gradient(self, weighting, positive):
        nothing = jnp.zeros(4, bool)
        np.testing.assert_array_equal(weighting(LOGITS, nothing), jnp.zeros((2, 4)))
        gradient = jax.jit(jax.grad(lambda a: jnp.sum(weighting(a, nothing) ** 2)))(LOGITS)
        np.testing.assert_array_equal(gradient, jnp.zeros((2, 4)))

    def test_a_masked_logit_has_no_influence(self, weighting, positive):
        wild = LOGITS.at[:, 2].set(jnp.nan)
        np.testing.assert_array_equal(weighting(wild, MASK), weighting(LOGITS, MASK))
        gradient = jax.jit(jax.grad(lambda a: jnp.sum(weighting(a, MASK) ** 2)))(LOGITS)
        np.testing.assert_array_equal(gradient[:, 2], jnp.zeros(2))

    def test_extreme_logits_stay_a_distribution(self, weighting, positive):
        for scale in (1e3, 1e30):
            for sign in (1.0, -1.0):
                weights = weighting(sign * scale * jnp.ones((1, 4)), MASK)
                np.testing.assert_allclose(jnp.sum(weights), 1, rtol=1e-5)
