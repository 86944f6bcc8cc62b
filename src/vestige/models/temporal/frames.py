"""Encoders of one frame into features, decoders of one code into a frame's parameters."""

import abc
import math

import equinox as eqx
import jax
from jaxtyping import Array, Float

from vestige.typing import Key


class AbstractEncoder(eqx.Module):
    """Frame to features; applied to all frames at once, outside the recurrence."""

    features_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(self, frame: Float[Array, "*frame"]) -> Float[Array, " features"]:
        """The features of one frame."""


class AbstractDecoder(eqx.Module):
    """Code to the parameters of p(frame | code); applied to all codes at once, outside the recurrence."""

    @abc.abstractmethod
    def __call__(self, code: Float[Array, " code"]) -> Float[Array, "*frame"]:
        """The likelihood's parameters for one frame."""


class MLPEncoder(AbstractEncoder):
    """Two hidden layers of `width` rectified units on the flattened frame."""

    layers: eqx.nn.MLP
    features_size: int = eqx.field(static=True)

    def __init__(self, frame_shape: tuple[int, ...], width: int, *, key: Key):
        self.layers = eqx.nn.MLP(
            math.prod(frame_shape), width, width, 1, final_activation=jax.nn.relu, key=key
        )
        self.features_size = width

    def __call__(self, frame: Float[Array, "*frame"]) -> Float[Array, " features"]:
        return self.layers(frame.reshape(-1))


class MLPDecoder(AbstractDecoder):
    """Two hidden layers of `width` rectified units, then one output per pixel."""

    layers: eqx.nn.MLP
    frame_shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, code_size: int, frame_shape: tuple[int, ...], width: int, *, key: Key):
        self.layers = eqx.nn.MLP(code_size, math.prod(frame_shape), width, 2, key=key)
        self.frame_shape = frame_shape

    def __call__(self, code: Float[Array, " code"]) -> Float[Array, "*frame"]:
        return self.layers(code).reshape(self.frame_shape)
