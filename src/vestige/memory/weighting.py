"""How logits over slots become weights: non-negative, summing to one over the slots that hold something."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class AbstractWeighting(eqx.Module):
    """Maps logits and a mask of admissible slots to weights over the last axis.

    Inadmissible slots get weight exactly 0 and no gradient; with no admissible slot all weights are 0.
    The paper prints only the condition "w > 0, normalised" (GTMM eq. 10); each class is one way to meet it.
    """

    @abc.abstractmethod
    def __call__(
        self, logits: Float[Array, "*heads slots"], mask: Bool[Array, " slots"]
    ) -> Float[Array, "*heads slots"]:
        """Normalise logits over the last axis.

        **Arguments:**

        - `logits`: (..., slots), one row for each head.
        - `mask`: (slots,), bool, False for slots that hold nothing.

        **Returns:** the weights, shaped like `logits`: non-negative, each row sums to 1, or to 0 where no slot is
        admissible.
        """


def _normalise(positive: Float[Array, "*heads slots"], mask: Bool[Array, " slots"]) -> Float[Array, "*heads slots"]:
    kept = jnp.where(mask, positive, 0.0)
    return kept / jnp.where(jnp.any(mask), jnp.sum(kept, axis=-1, keepdims=True), 1.0)


class Softmax(AbstractWeighting):
    """w ∝ exp(a)."""

    def __call__(
        self, logits: Float[Array, "*heads slots"], mask: Bool[Array, " slots"]
    ) -> Float[Array, "*heads slots"]:
        highest = jnp.max(jnp.where(mask, logits, -jnp.inf), axis=-1, keepdims=True)
        shift = jax.lax.stop_gradient(jnp.where(jnp.any(mask), highest, 0.0))
        return _normalise(jnp.exp(jnp.where(mask, logits - shift, 0.0)), mask)


class SoftplusNorm(AbstractWeighting):
    """w ∝ softplus(a). Floored at 1e-6 so that logits driven far below zero stay a distribution."""

    def __call__(
        self, logits: Float[Array, "*heads slots"], mask: Bool[Array, " slots"]
    ) -> Float[Array, "*heads slots"]:
        return _normalise(jax.nn.softplus(logits) + 1e-6, mask)


class SigmoidNorm(AbstractWeighting):
    """w ∝ sigmoid(a). Floored at 1e-6 so that logits driven far below zero stay a distribution."""

    def __call__(
        self, logits: Float[Array, "*heads slots"], mask: Bool[Array, " slots"]
    ) -> Float[Array, "*heads slots"]:
        return _normalise(jax.nn.sigmoid(logits) + 1e-6, mask)
