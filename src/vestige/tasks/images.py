"""Images on the device, made binary the same way for every fetch of one sequence."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from vestige.tasks.source import AbstractSource
from vestige.typing import Key


class ImagePool(AbstractSource):
    """Grey images 0..255 from which frames are drawn and made binary.

    `threshold`: ink where the intensity is at least 128. `stochastic`: ink with probability intensity / 255,
    drawn once when the image is fetched, so that a copied frame is the identical binary image.
    `labels` may be missing where the task does not need them.

    **Raises:** `ValueError` where there are more or fewer labels than images.
    """

    pixels: UInt8[Array, "images height width"]
    labels: Int[Array, " labelled"] | None = None
    stochastic: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if self.labels is not None and self.labels.shape != self.pixels.shape[:1]:
            raise ValueError(
                f"ImagePool: {self.pixels.shape[0]} images need as many labels, got {self.labels.shape[0]}"
            )

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def size(self) -> int:
        """The number of images."""
        return self.pixels.shape[0]

    def first(self, count: int | None) -> "ImagePool":
        return jax.tree.map(lambda leaf: leaf[:count], self)

    def fetch(self, index: Int[Array, " time"], *, key: Key) -> Float[Array, "time height width"]:
        """The images at `index`, float32 in {0, 1}."""
        grey = self.pixels[index]
        if self.stochastic:
            return jax.random.bernoulli(key, grey.astype(jnp.float32) / 255.0).astype(jnp.float32)
        return (grey >= 128).astype(jnp.float32)

    def divided(self, at: int) -> tuple["ImagePool", "ImagePool"]:
        """The images before number `at` and those from it on; a negative one counts from the end."""
        labels = (None, None) if self.labels is None else (self.labels[:at], self.labels[at:])
        parts = zip((self.pixels[:at], self.pixels[at:]), labels, strict=True)
        first, second = (ImagePool(pixels, known, self.stochastic) for pixels, known in parts)
        return first, second

    def pick(self, frames: int, *, key: Key) -> Int[Array, " time"]:
        """Which images to fetch: `frames` of them, independently and uniformly, with replacement."""
        return jax.random.randint(key, (frames,), 0, self.size)

    def pick_of(self, classes: Int[Array, " time"], *, key: Key) -> Int[Array, " time"]:
        """For each class one image of it, independently and uniformly; -1 for a class that has none.

        Sorts the labels, once for all rows where it is mapped over rows.
        """
        assert self.labels is not None
        order = jnp.argsort(self.labels)
        ranked = self.labels[order]
        first, end = (jnp.searchsorted(ranked, classes, side=side) for side in ("left", "right"))
        drawn = order[jax.random.randint(key, classes.shape, first, jnp.maximum(end, first + 1)) % self.size]
        return jnp.where(end > first, drawn, -1)

    def draw(self, frames: int, *, key: Key) -> Float[Array, "time height width"]:
        """`frames` images drawn independently and uniformly, with replacement."""
        return self.draw_known(frames, key=key)[0]

    def draw_known(self, frames: int, *, key: Key) -> tuple[Float[Array, "time height width"], Int[Array, " time"]]:
        """As `draw`, and which images they are."""
        key_index, key_ink = jax.random.split(key)
        index = self.pick(frames, key=key_index)
        return self.fetch(index, key=key_ink), index


Binarise = Literal["threshold", "stochastic"]
