"""Densities of a frame given what the decoder says."""

import abc
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.numerics import outside_log, require_support
from vestige.typing import Key


class AbstractLikelihood(eqx.Module):
    """p(frame | parameters), where the parameters have the frame's shape.

    A frame outside the support has probability zero: where its numbers are known `log_prob` raises, in a compiled
    program it is -inf, and NaN where a pixel is NaN.
    """

    @abc.abstractmethod
    def log_prob(self, parameters: Float[Array, "*frame"], frame: Float[Array, "*frame"]) -> Float[Array, ""]:
        """Log-probability of one frame, summed over its pixels.

        **Arguments:**

        - `parameters`: what the decoder puts out, in the frame's shape.
        - `frame`: what was seen.

        **Returns:** one number, nats. Of a traced frame outside the support it is -inf, and NaN where a pixel is NaN.

        **Raises:** `ValueError` for a concrete frame outside the support.
        """

    @abc.abstractmethod
    def mean(self, parameters: Float[Array, "*frame"]) -> Float[Array, "*frame"]:
        """The expected frame.

        **Arguments:**

        - `parameters`: what the decoder puts out, in the frame's shape.

        **Returns:** an array of that shape, in units of the pixels.
        """

    @abc.abstractmethod
    def sample(self, parameters: Float[Array, "*frame"], *, key: Key) -> Float[Array, "*frame"]:
        """One frame drawn at random.

        **Arguments:**

        - `parameters`: what the decoder puts out, in the frame's shape.

        **Returns:** an array of that shape and dtype, in units of the pixels.
        """


class Bernoulli(AbstractLikelihood):
    """Independent pixels in {0, 1}; the parameters are logits a, and log p = Σ [x a - softplus(a)].

    Intensities strictly between 0 and 1 are accepted as expected values, but then no log-likelihood.
    """

    def log_prob(self, parameters: Float[Array, "*frame"], frame: Float[Array, "*frame"]) -> Float[Array, ""]:
        require_support(
            frame, _intensity, owner="Bernoulli.log_prob", expected="pixels must be within 0 to 1 (rescale the frames)"
        )
        inside = _intensity(frame)
        log = jnp.sum(jnp.where(inside, frame, 0.0) * parameters - jax.nn.softplus(parameters))
        return outside_log(jnp.all(inside), frame, log)

    def mean(self, parameters: Float[Array, "*frame"]) -> Float[Array, "*frame"]:
        return jax.nn.sigmoid(parameters)

    def sample(self, parameters: Float[Array, "*frame"], *, key: Key) -> Float[Array, "*frame"]:
        return jax.random.bernoulli(key, jax.nn.sigmoid(parameters)).astype(parameters.dtype)


class Gaussian(AbstractLikelihood):
    """Independent normal pixels with one fixed standard deviation; the parameters are means.

    `log p = -Σ [ (x - m)² / 2σ² + log σ + log(2π) / 2 ]`. A density, so log p may be positive. σ says how small a
    difference between frames is worth nats, and is not learned: frames in [0, 1] go with 0.1.

    **Raises:** `ValueError` where `sigma` is not positive.
    """

    sigma: float = eqx.field(static=True, default=0.1)

    def __check_init__(self):
        if not self.sigma > 0:
            raise ValueError(f"sigma must be positive, got {self.sigma}")

    def log_prob(self, parameters: Float[Array, "*frame"], frame: Float[Array, "*frame"]) -> Float[Array, ""]:
        require_support(frame, np.isfinite, owner="Gaussian.log_prob", expected="pixels must be finite")
        constant = math.log(self.sigma) + 0.5 * math.log(2 * math.pi)
        inside = jnp.isfinite(frame)
        standard = (jnp.where(inside, frame, 0.0) - parameters) / self.sigma
        return outside_log(jnp.all(inside), frame, -jnp.sum(0.5 * jnp.square(standard) + constant))

    def mean(self, parameters: Float[Array, "*frame"]) -> Float[Array, "*frame"]:
        return parameters

    def sample(self, parameters: Float[Array, "*frame"], *, key: Key) -> Float[Array, "*frame"]:
        return parameters + self.sigma * jax.random.normal(key, parameters.shape, parameters.dtype)


def _intensity(frame: Any) -> Any:
    return (frame >= 0) & (frame <= 1)
