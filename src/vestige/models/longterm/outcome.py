"""What is to be predicted, and how wrong a prediction is."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from vestige.numerics import require_support


class AbstractOutcome(eqx.Module):
    """A kind of outcome and the prediction that goes with it, for one step."""

    size: eqx.AbstractVar[int]
    """Width of a prediction."""

    @abc.abstractmethod
    def loss(self, prediction: Float[Array, " size"], outcome: Array) -> Float[Array, ""]:
        """How badly one outcome is predicted.

        **Arguments:**

        - `prediction`: (size,), what a model puts out.
        - `outcome`: a class, an integer, or a number.

        **Returns:** one number, nats or squared units. Of a traced outcome that is impossible it is inf, of NaN it is
        NaN.

        **Raises:** `ValueError` for a concrete outcome that is impossible.
        """

    @abc.abstractmethod
    def uncertainty(self, prediction: Float[Array, " size"]) -> Float[Array, ""]:
        """The loss that the prediction itself expects; needs no outcome.

        **Arguments:**

        - `prediction`: (size,), what a model puts out.

        **Returns:** one number, in units of the loss.

        **Raises:** `ValueError` where a prediction says nothing of its own error.
        """


class Classes(AbstractOutcome):
    """One of `size` classes; a prediction is their logits, the loss cross-entropy, the uncertainty entropy (nats)."""

    size: int = eqx.field(static=True)

    def loss(self, prediction: Float[Array, " size"], outcome: Array) -> Float[Array, ""]:
        require_support(
            outcome, self._inside, owner="Classes.loss", expected=f"an outcome must be a class, 0 to {self.size - 1}"
        )
        inside = self._inside(outcome)
        known = jnp.where(inside, outcome, jnp.zeros((), outcome.dtype))
        return jnp.where(inside, optax.softmax_cross_entropy_with_integer_labels(prediction, known), jnp.inf)

    def _inside(self, outcome: Any) -> Any:
        return (outcome >= 0) & (outcome < self.size)

    def uncertainty(self, prediction: Float[Array, " size"]) -> Float[Array, ""]:
        logs = jax.nn.log_softmax(prediction)
        return -jnp.sum(jnp.exp(logs) * logs)


class Number(AbstractOutcome):
    """A real number; the loss is the squared error.

    A prediction is the mean alone, which says nothing about its own error: `uncertainty` is refused. Score by the
    realised loss instead.
    """

    size: int = eqx.field(static=True, default=1)

    def loss(self, prediction: Float[Array, " size"], outcome: Array) -> Float[Array, ""]:
        require_support(outcome, np.isfinite, owner="Number.loss", expected="an outcome must be finite")
        return jnp.square(prediction[0] - outcome)

    def uncertainty(self, prediction: Float[Array, " size"]) -> Float[Array, ""]:
        raise ValueError("Number: a mean has no entropy. Score steps by surprise, the realised squared error.")
