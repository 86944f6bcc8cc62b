"""A picture and a few numbers, seen at one step."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from vestige.models.longterm.inputs import AbstractInput
from vestige.typing import Key

TILES = (4, 2)  # sides of the tiles: of pixels, and of tiles of pixels


class Glimpse(eqx.Module):
    """What is seen at a step: a picture, and numbers beside it; of several steps, time first."""

    picture: UInt8[Array, "*time rows columns channels"]
    numbers: Float[Array, "*time numbers"]


class Picture(AbstractInput):
    """Two convolutions over the picture of a [`Glimpse`][vestige.models.longterm.Glimpse], and a rectified layer on
    these and on some of its numbers: as with `Columns`, what is not named is not seen.

    The tiles of a convolution do not overlap (4x4 pixels, then 2x2 of these), so it is a product of matrices, which a
    CPU can do well. Cost: about `rows columns width (channels + width / 8 + features / 32)` products.

    **Arguments:**

    - `shape`: rows, columns and channels of a picture.
    - `columns`: places of the numbers, in the order in which they are read.
    - `width`: channels of the first convolution; the second has twice as many.
    - `features_size`: units of the rectified layer.

    **Raises:** `ValueError` where rows or columns are no multiple of 8, or where a place is negative or named twice.
    """

    first: eqx.nn.Linear
    second: eqx.nn.Linear
    layer: eqx.nn.Linear
    columns: tuple[int, ...] = eqx.field(static=True)
    features_size: int = eqx.field(static=True)

    def __init__(
        self, shape: tuple[int, int, int], columns: Sequence[int], features_size: int, *, width: int = 16, key: Key
    ):
        rows, across, channels = shape
        side = TILES[0] * TILES[1]
        self.columns, self.features_size = tuple(columns), features_size
        if min(rows, across) < 1 or rows % side or across % side:
            raise ValueError(f"Picture: rows and columns must be multiples of {side}, got {rows} and {across}")
        if min(self.columns, default=0) < 0 or len(set(self.columns)) < len(self.columns):
            raise ValueError(f"Picture: name each place once, from 0 on; got {self.columns}")
        keys = jax.random.split(key, 3)
        self.first = eqx.nn.Linear(TILES[0] ** 2 * channels, width, key=keys[0])
        self.second = eqx.nn.Linear(TILES[1] ** 2 * width, 2 * width, key=keys[1])
        seen = 2 * width * (rows // side) * (across // side)
        self.layer = eqx.nn.Linear(seen + len(self.columns), features_size, key=keys[2])

    def __call__(self, inputs: Glimpse) -> Float[Array, " features"]:
        seen = inputs.picture.astype(jnp.float32) / 255.0
        for layer, side in zip((self.first, self.second), TILES, strict=True):
            seen = jax.nn.relu(jax.vmap(jax.vmap(layer))(_tiled(seen, side)))
        numbers = inputs.numbers[jnp.array(self.columns, jnp.int32)]
        return jax.nn.relu(self.layer(jnp.concatenate([seen.ravel(), numbers])))


def _tiled(picture: Float[Array, "rows columns channels"], side: int) -> Float[Array, "down across tile"]:
    """Cut into squares, each a vector."""
    rows, columns, channels = picture.shape
    tiles = picture.reshape(rows // side, side, columns // side, side, channels)
    return jnp.swapaxes(tiles, 1, 2).reshape(rows // side, columns // side, -1)
