"""Baselines: what is subtracted from a cost before it weighs a score. They do not bias the gradient as long as the
baseline of a draw does not look at that draw."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractBaseline(eqx.Module):
    """A guess of each draw's cost from anything but that draw."""

    @abc.abstractmethod
    def __call__(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, " draws"]:
        """One baseline for each draw.

        **Arguments:**

        - `costs`: (draws,), of which the baseline of a draw may use those of the others.
        - `context`: as given to `expect`.

        **Returns:** (draws,), in units of the cost.
        """

    @abc.abstractmethod
    def loss(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, ""]:
        """What the baseline's own arrays are trained to minimise.

        **Arguments:**

        - `costs`: (draws,), through which no gradient flows.
        - `context`: as given to `expect`.

        **Returns:** one number; zero if the baseline has no arrays.
        """


class NoBaseline(AbstractBaseline):
    """Zero."""

    def __call__(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, " draws"]:
        return jnp.zeros_like(costs)

    def loss(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, ""]:
        return jnp.zeros((), costs.dtype)


class MeanOfOthers(AbstractBaseline):
    """The mean cost of the other draws (Kool et al. 2019). With it an estimate of n draws is
    1/(n-1) Σ (f_s - mean f) ∇log p_s; adding a constant to the cost changes nothing."""

    def __call__(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, " draws"]:
        draws = costs.shape[0]
        if draws < 2:
            raise ValueError(f"MeanOfOthers needs at least 2 draws, got {draws}")
        # Written through differences, so that a large common part of the costs cancels exactly.
        centred = costs - costs[0]
        return costs[0] + (jnp.sum(centred) - centred) / (draws - 1)

    def loss(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, ""]:
        return jnp.zeros((), costs.dtype)


class RunningMean(AbstractBaseline):
    """One number that follows the mean cost. Its gradient is (value - mean cost): under `optax.sgd(1 - decay)` it is
    the exponential moving average with that decay.

    **Arguments:**

    - `value`: where it starts, in units of the cost.
    """

    value: Float[Array, ""]

    def __init__(self, value: float = 0.0):
        self.value = jnp.asarray(value, float)

    def __call__(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, " draws"]:
        return jnp.broadcast_to(self.value, costs.shape).astype(costs.dtype)

    def loss(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, ""]:
        return 0.5 * jnp.mean((self.value.astype(costs.dtype) - costs) ** 2)


class Learned(AbstractBaseline):
    """A network that guesses the cost from the context alone, by squared error.

    **Arguments:** `network`: from `context` (as given to `expect`) to a scalar.
    """

    network: Callable[[Any], Float[Array, ""]]

    def __call__(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, " draws"]:
        return jnp.broadcast_to(self.network(context), costs.shape)

    def loss(self, costs: Float[Array, " draws"], context: Any) -> Float[Array, ""]:
        return 0.5 * jnp.mean((self.network(context) - jax.lax.stop_gradient(costs)) ** 2)
