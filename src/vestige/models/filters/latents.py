"""What stands between the two nets of a recurrent autoencoder: numbers, or bits."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators import AbstractEstimator, LeaveOneOut, expect
from vestige.numerics import DiagonalGaussian, Spins, soft_clamp
from vestige.structures import bits
from vestige.typing import Key

LOG_SCALES = (-4.0, 1.5)  # of encoder and prior: variances from e^-8 to e^3
START_GAIN = 0.7  # the mean of h is at first twice the state
SMALLEST = 1e-6  # variance over the units below which a state is not brought to 1: it begins at zero
EDGE = 1e-4  # a state comes no closer than this to -1 and 1 where it becomes a logit

Integrand = Callable[[Float[Array, " hidden"]], Float[Array, ""]]
"""What a value of h is worth, in nats."""


class AbstractLatent(eqx.Module):
    """The kind of h: its laws, and how a mean over one of them is differentiated.

    A law has `draw`, `log_prob` and `kl`. The state x, every entry in (-1, 1), fixes the mean of h.
    """

    @property
    @abc.abstractmethod
    def numbers(self) -> int:
        """How many numbers a net gives for the law of one unit."""

    @abc.abstractmethod
    def mean(self, state: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
        """E[h] that goes with a state.

        **Arguments:**

        - `state`: (hidden,), entries in (-1, 1).

        **Returns:** (hidden,).
        """

    @abc.abstractmethod
    def recognised(self, state: Float[Array, " hidden"], rest: Float[Array, " rest"]) -> Any:
        """r(h | u, y), the law that the encoder makes of the previous state u and the observation y.

        **Arguments:**

        - `state`: (hidden,), the state that these make.
        - `rest`: (hidden · (numbers - 1),), the further outputs of the encoder.

        **Returns:** a law of h.
        """

    @abc.abstractmethod
    def law(self, outputs: Float[Array, " outputs"]) -> Any:
        """A law of h from the outputs of a net.

        **Arguments:**

        - `outputs`: (hidden · numbers,).

        **Returns:** a law of h.
        """

    @abc.abstractmethod
    def marginal(self, hidden: int) -> Any:
        """q(h), of the joint target.

        **Arguments:**

        - `hidden`: units of h.

        **Returns:** a law of h that depends on no input.
        """

    @abc.abstractmethod
    def expect(self, integrand: Integrand, law: Any, *, key: Key) -> Float[Array, ""]:
        """An estimate of E[integrand(h)].

        **Arguments:**

        - `integrand`: from h, (hidden,), to one number in nats.
        - `law`: of h.

        **Returns:** one number, with a gradient for the law and for what `integrand` closes over.
        """

    @abc.abstractmethod
    def head(self, width: int, hidden: int, *, key: Key) -> Callable[[Float[Array, " width"]], Any]:
        """The net from the decoder's hidden layer to a law of the previous state.

        **Arguments:**

        - `width`: units of that layer.
        - `hidden`: numbers of the state.
        - `key`: for its initial parameters.

        **Returns:** a module that maps (width,) to a law with `log_prob`.
        """


class StateHead(eqx.Module):
    """q(u | h): the previous state, every unit by itself, with a learned standard deviation above a floor.

    The floor is what keeps the head from being paid without limit for states that it has made predictable itself; where
    it is `normalised`, states cannot be made small either.
    """

    net: eqx.nn.Linear
    raw_scale: Float[Array, " hidden"]
    floor: float = eqx.field(static=True)
    normalised: bool = eqx.field(static=True)

    def __call__(self, trunk: Float[Array, " width"]) -> "DiagonalGaussian | Normalised":
        law = DiagonalGaussian(self.net(trunk), jnp.log(self.floor + jax.nn.softplus(self.raw_scale)))
        return Normalised(law) if self.normalised else law


class Normalised(eqx.Module):
    """The law of a state brought to mean 0 and variance 1 over its units, without anything learned (Ba et al. 2016)."""

    law: DiagonalGaussian

    def log_prob(self, state: Float[Array, " hidden"]) -> Float[Array, ""]:
        """Of the normalised state; how large it was, and about what mean, is not."""
        centred = state - jnp.mean(state)
        return self.law.log_prob(centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred)) + SMALLEST))


class SpinHead(eqx.Module):
    """q(u | h): the previous state as the means of bits. A unit is worth at most log 2, however it is predicted."""

    net: eqx.nn.Linear

    def __call__(self, trunk: Float[Array, " width"]) -> Spins:
        return Spins(self.net(trunk))


class Numbers(AbstractLatent):
    """h of real numbers: a diagonal Gaussian whose mean is a learned multiple of the state, one reparameterised draw.

    **Arguments:**

    - `hidden`: units of h.
    - `floor`: least standard deviation of the state head, positive.
    - `normalised`: whether the state head predicts the state brought to mean 0 and variance 1 over its units.

    **Raises:** `ValueError` where `floor` is not positive.
    """

    log_gain: Float[Array, " hidden"]
    floor: float = eqx.field(static=True)
    normalised: bool = eqx.field(static=True)

    def __init__(self, hidden: int, floor: float = 0.1, *, normalised: bool = False):
        if floor <= 0:
            raise ValueError(f"Numbers: floor must be positive, got {floor}")
        self.log_gain, self.floor, self.normalised = jnp.full(hidden, START_GAIN), floor, normalised

    @property
    def numbers(self) -> int:
        return 2

    def mean(self, state: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
        return jnp.exp(self.log_gain) * state

    def recognised(self, state: Float[Array, " hidden"], rest: Float[Array, " rest"]) -> DiagonalGaussian:
        return DiagonalGaussian(self.mean(state), soft_clamp(rest, *LOG_SCALES))

    def law(self, outputs: Float[Array, " outputs"]) -> DiagonalGaussian:
        mean, log_scale = jnp.split(outputs, 2)
        return DiagonalGaussian(mean, soft_clamp(log_scale, *LOG_SCALES))

    def marginal(self, hidden: int) -> DiagonalGaussian:
        return DiagonalGaussian(jnp.zeros(hidden), jnp.zeros(hidden))

    def expect(self, integrand: Integrand, law: DiagonalGaussian, *, key: Key) -> Float[Array, ""]:
        return integrand(law.draw(key=key))

    def head(self, width: int, hidden: int, *, key: Key) -> StateHead:
        return StateHead(eqx.nn.Linear(width, hidden, key=key), jnp.zeros(hidden), self.floor, self.normalised)


class Bits(AbstractLatent):
    """h of bits, -1 or 1, whose means are the state, as in a harmonium; the gradient through them is an estimator's.

    **Arguments:**

    - `hidden`: units of h.
    - `estimator`: one of `vestige.estimators`; by default `LeaveOneOut(8)`. What it learns is trained with the model.
    """

    bias: Float[Array, " hidden"]
    """Logits of q(h)."""
    estimator: AbstractEstimator

    def __init__(self, hidden: int, estimator: AbstractEstimator | None = None):
        self.bias, self.estimator = jnp.zeros(hidden), LeaveOneOut(8) if estimator is None else estimator

    @property
    def numbers(self) -> int:
        return 1

    def mean(self, state: Float[Array, " hidden"]) -> Float[Array, " hidden"]:
        return state

    def recognised(self, state: Float[Array, " hidden"], rest: Float[Array, " rest"]) -> Spins:
        return Spins(2.0 * jnp.arctanh(jnp.clip(state, EDGE - 1, 1 - EDGE)))

    def law(self, outputs: Float[Array, " outputs"]) -> Spins:
        return Spins(outputs)

    def marginal(self, hidden: int) -> Spins:
        return Spins(self.bias)

    def expect(self, integrand: Integrand, law: Spins, *, key: Key) -> Float[Array, ""]:
        def worth(value: Array) -> Array:
            return integrand(2.0 * value[:, 0] - 1.0)

        return expect(worth, bits(law.logits), estimator=self.estimator, key=key, context=law.logits)

    def head(self, width: int, hidden: int, *, key: Key) -> SpinHead:
        return SpinHead(eqx.nn.Linear(width, hidden, key=key))
