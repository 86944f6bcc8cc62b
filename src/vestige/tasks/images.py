"""Images on the device, made binary the same way for every fetch of one sequence."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from vestige.typing import Key


class ImagePool(eqx.Module):
    """Grey images 0..255 from which frames are drawn and made binary.

    `threshold`: ink where the intensity is at least 128. `stochastic`: ink with probability intensity / 255,
    drawn once when the image is fetched, so that a copied frame is the identical binary image.
    """

    pixels: UInt8[Array, "images height width"]
    labels: Int[Array, " images"]
    stochastic: bool = eqx.field(static=True, default=False)

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def fetch(self, index: Int[Array, " time"], *, key: Key) -> Float[Array, "time height width"]:
        """The images at `index`, float32 in {0, 1}."""
        grey = self.pixels[index]
        if self.stochastic:
            return jax.random.bernoulli(key, grey.astype(jnp.float32) / 255.0).astype(jnp.float32)
        return (grey >= 128).astype(jnp.float32)

    def draw(self, frames: int, *, key: Key) -> Float[Array, "time height width"]:
        """`frames` images drawn independently and uniformly, with replacement."""
        key_index, key_ink = jax.random.split(key)
        index = jax.random.randint(key_index, (frames,), 0, self.pixels.shape[0])
        return self.fetch(index, key=key_ink)


Binarise = Literal["threshold", "stochastic"]
