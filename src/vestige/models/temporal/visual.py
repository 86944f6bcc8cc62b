"""The paper's convolutional frame model: inception-like residual blocks (GTMM appendix B, figure 18)."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.layers import convolved
from vestige.models.temporal.frames import AbstractDecoder, AbstractEncoder
from vestige.typing import Key

KERNELS = (1, 3, 5, 7)
STAGES = 2


class VisualBlock(eqx.Module):
    """Normalise, rectify, four parallel convolutions, add the input, normalise, rectify, change resolution.

    Kernel sizes 1, 3, 5, 7 give `channels / 4` maps each. Group normalisation stands where the paper has
    batch normalisation, whose training statistics differ from those met in generation (our departure).

    **Arguments:**

    - `channels`: maps of the input, a multiple of 4.
    - `resize`: the convolution that changes the resolution.
    """

    norms: tuple[eqx.nn.GroupNorm, eqx.nn.GroupNorm]
    branches: tuple[eqx.nn.Conv2d, ...]
    resize: eqx.nn.Conv2d | eqx.nn.ConvTranspose2d

    def __init__(self, channels: int, resize: eqx.nn.Conv2d | eqx.nn.ConvTranspose2d, *, key: Key):
        keys = jax.random.split(key, len(KERNELS))
        groups = math.gcd(8, channels)
        self.norms = (eqx.nn.GroupNorm(groups, channels), eqx.nn.GroupNorm(groups, channels))
        self.branches = tuple(
            eqx.nn.Conv2d(channels, channels // len(KERNELS), size, padding=size // 2, key=k)
            for size, k in zip(KERNELS, keys, strict=True)
        )
        self.resize = resize

    def __call__(self, x: Float[Array, "height width channels"]) -> Float[Array, "high wide out"]:
        activated = jax.nn.relu(_normalised(self.norms[0], x))
        x = x + jnp.concatenate([convolved(branch, activated) for branch in self.branches], axis=-1)
        return convolved(self.resize, jax.nn.relu(_normalised(self.norms[1], x)))


def _normalised(norm: eqx.nn.GroupNorm, x: Float[Array, "height width channels"]) -> Array:
    return jnp.moveaxis(norm(jnp.moveaxis(x, -1, 0)), 0, -1)


def _size(frame_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and colours, 1 for a frame without any."""
    shape = (*frame_shape, 1) if len(frame_shape) == 2 else frame_shape
    if len(shape) != 3 or min(shape) < 1 or any(side % 2**STAGES for side in shape[:2]):
        raise ValueError(
            f"the visual frame model halves a (height, width) or (height, width, colours) frame {STAGES} times, so "
            f"both sides must be multiples of {2**STAGES}; got {frame_shape}. Use the MLP frame model instead."
        )
    return shape[0], shape[1], shape[2]


class VisualEncoder(AbstractEncoder):
    """A 1x1 stem to `channels` maps, two blocks that halve the resolution (the second doubles the
    channels), and a layer of `width` features.

    **Arguments:**

    - `frame_shape`: of one frame.
    - `width`: features.
    - `channels`: maps of the stem, a multiple of 4.

    **Raises:** `ValueError` where the frame is not (height, width) or (height, width, colours) with sides divisible
    by 4.
    """

    stem: eqx.nn.Conv2d
    blocks: tuple[VisualBlock, ...]
    output: eqx.nn.Linear
    features_size: int = eqx.field(static=True)

    def __init__(self, frame_shape: tuple[int, ...], width: int, *, channels: int = 32, key: Key):
        height, breadth, colours = _size(frame_shape)
        keys = jax.random.split(key, 6)
        self.stem = eqx.nn.Conv2d(colours, channels, 1, key=keys[0])
        self.blocks = (
            VisualBlock(channels, eqx.nn.Conv2d(channels, channels, 4, 2, 1, key=keys[1]), key=keys[2]),
            VisualBlock(channels, eqx.nn.Conv2d(channels, 2 * channels, 4, 2, 1, key=keys[3]), key=keys[4]),
        )
        flat = 2 * channels * (height // 4) * (breadth // 4)
        self.output = eqx.nn.Linear(flat, width, key=keys[5])
        self.features_size = width

    def __call__(self, frame: Float[Array, "*frame"]) -> Float[Array, " features"]:
        x = convolved(self.stem, frame[..., None] if frame.ndim == 2 else frame)
        for block in self.blocks:
            x = block(x)
        return jax.nn.relu(self.output(jnp.moveaxis(x, -1, 0).reshape(-1)))


class VisualDecoder(AbstractDecoder):
    """The encoder's mirror, with transposed convolutions.

    **Arguments:**

    - `code_size`: width of a code.
    - `frame_shape`: of one frame.
    - `width`: units of the first layer.
    - `channels`: maps at full resolution, a multiple of 4.

    **Raises:** `ValueError` where the frame is not (height, width) or (height, width, colours) with sides divisible
    by 4.
    """

    input: tuple[eqx.nn.Linear, eqx.nn.Linear]
    blocks: tuple[VisualBlock, ...]
    output: eqx.nn.Conv2d
    small_shape: tuple[int, int, int] = eqx.field(static=True)
    coloured: bool = eqx.field(static=True)

    def __init__(self, code_size: int, frame_shape: tuple[int, ...], width: int, *, channels: int = 32, key: Key):
        height, breadth, colours = _size(frame_shape)
        keys = jax.random.split(key, 7)
        self.small_shape = (2 * channels, height // 4, breadth // 4)
        self.input = (
            eqx.nn.Linear(code_size, width, key=keys[0]),
            eqx.nn.Linear(width, math.prod(self.small_shape), key=keys[1]),
        )
        up = eqx.nn.ConvTranspose2d(2 * channels, channels, 4, 2, padding=1, key=keys[2])
        further = eqx.nn.ConvTranspose2d(channels, channels, 4, 2, padding=1, key=keys[3])
        self.blocks = (
            VisualBlock(2 * channels, up, key=keys[4]),
            VisualBlock(channels, further, key=keys[5]),
        )
        self.output = eqx.nn.Conv2d(channels, colours, 1, key=keys[6])
        self.coloured = len(frame_shape) == 3

    def __call__(self, code: Float[Array, " code"]) -> Float[Array, "*frame"]:
        x = jnp.moveaxis(self.input[1](jax.nn.relu(self.input[0](code))).reshape(self.small_shape), 0, -1)
        for block in self.blocks:
            x = block(x)
        frame = convolved(self.output, jax.nn.relu(x))
        return frame if self.coloured else frame[..., 0]
