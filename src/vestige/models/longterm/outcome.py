"""What is to be predicted, and how wrong a prediction is."""

import abc
import math
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
        raise ValueError(
            "Number: a mean has no entropy. Score steps by surprise, the realised squared error, or predict a scale "
            "too (`NumberWithScale`)."
        )


class NumberWithScale(AbstractOutcome):
    """A real number whose prediction says how far off it will be: a normal distribution, N(m, s²).

    A prediction is m and a number r with s = `least` + softplus(r); the loss is minus the log density, the uncertainty
    the differential entropy, both in nats and below 0 where s is small.

    **Arguments:** `least`: the smallest s, in units of the outcome; it bounds the loss where outcomes are certain.

    **Raises:** `ValueError` where `least` is not positive.
    """

    size: int = eqx.field(static=True, default=2)
    least: float = eqx.field(static=True, default=0.1)

    def __check_init__(self):
        if not self.least > 0:
            raise ValueError(f"NumberWithScale: least must be positive, got {self.least}")

    def loss(self, prediction: Float[Array, " size"], outcome: Array) -> Float[Array, ""]:
        require_support(outcome, np.isfinite, owner="NumberWithScale.loss", expected="an outcome must be finite")
        scale = self._scale(prediction)
        return 0.5 * jnp.square((outcome - prediction[0]) / scale) + jnp.log(scale) + 0.5 * math.log(2 * math.pi)

    def uncertainty(self, prediction: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.log(self._scale(prediction)) + 0.5 * (1 + math.log(2 * math.pi))

    def _scale(self, prediction: Float[Array, " size"]) -> Float[Array, ""]:
        return self.least + jax.nn.softplus(prediction[1])
