"""Encoders of one frame into features, decoders of one code into a frame's parameters."""

import abc
import math

import equinox as eqx
import jax
from jaxtyping import Array, Float

from vestige.models.layers import rectified
from vestige.typing import Key


class AbstractEncoder(eqx.Module):
    """Frame to features; applied to all frames at once, outside the recurrence."""

    features_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(self, frame: Float[Array, "*frame"]) -> Float[Array, " features"]:
        """The features of one frame.

        **Arguments:**

        - `frame`: of the shape for which the encoder was built.

        **Returns:** (features_size,).
        """


class AbstractDecoder(eqx.Module):
    """Code to the parameters of p(frame | code); applied to all codes at once, outside the recurrence."""

    @abc.abstractmethod
    def __call__(self, code: Float[Array, " code"]) -> Float[Array, "*frame"]:
        """The likelihood's parameters for one frame.

        **Arguments:**

        - `code`: (code,), of the width for which the decoder was built.

        **Returns:** an array of the frame's shape, for Bernoulli pixels logits, for Gaussian ones means.
        """


class MLPEncoder(AbstractEncoder):
    """Two hidden layers of `width` rectified units on the flattened frame.

    **Arguments:**

    - `frame_shape`: of one frame.
    - `width`: units of each layer, and the number of features.
    """

    layers: tuple[eqx.nn.Linear, ...]
    features_size: int = eqx.field(static=True)

    def __init__(self, frame_shape: tuple[int, ...], width: int, *, key: Key):
        key_first, key_second = jax.random.split(key)
        self.layers = (
            rectified(math.prod(frame_shape), width, key=key_first),
            rectified(width, width, key=key_second),
        )
        self.features_size = width

    def __call__(self, frame: Float[Array, "*frame"]) -> Float[Array, " features"]:
        x = frame.reshape(-1)
        for layer in self.layers:
            x = jax.nn.relu(layer(x))
        return x


class MLPDecoder(AbstractDecoder):
    """Two hidden layers of `width` rectified units, then one output per pixel.

    **Arguments:**

    - `code_size`: width of a code.
    - `frame_shape`: of one frame.
    - `width`: units of each hidden layer.
    """

    layers: tuple[eqx.nn.Linear, ...]
    output: eqx.nn.Linear
    frame_shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, code_size: int, frame_shape: tuple[int, ...], width: int, *, key: Key):
        keys = jax.random.split(key, 3)
        self.layers = (rectified(code_size, width, key=keys[0]), rectified(width, width, key=keys[1]))
        self.output = eqx.nn.Linear(width, math.prod(frame_shape), key=keys[2])
        self.frame_shape = frame_shape

    def __call__(self, code: Float[Array, " code"]) -> Float[Array, "*frame"]:
        x = code
        for layer in self.layers:
            x = jax.nn.relu(layer(x))
        return self.output(x).reshape(self.frame_shape)
