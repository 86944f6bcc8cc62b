"""Where the images of a task come from, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from vestige.data import image_data
from vestige.errors import UsageError
from vestige.spec import Spec

if TYPE_CHECKING:
    from vestige.tasks.images import ImagePool
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class ImageOptions(Spec):
    """Which images, and how they become binary."""

    source: str = "digits"
    """A data set of images, `vestige data list`: digits (8x8, shipped with scikit-learn), glyphs (28x28 strokes,
    generated), mnist or omniglot (28x28, files), or one of a plugin."""
    binarise: Literal["threshold", "stochastic"] = "threshold"
    """threshold: ink from mid grey on. stochastic: drawn once per fetched image."""

    def __post_init__(self):
        super().__post_init__()
        known(self.source)

    def pools(self) -> "tuple[ImagePool, ImagePool]":
        """The images, on the device.

        **Returns:** those to train on and held-out ones, with their labels.

        **Raises:** `UsageError` where files are missing.
        """
        import jax.numpy as jnp

        from vestige.tasks.images import ImagePool

        loaded = [image_data(self.source).load(split) for split in ("train", "test")]
        train, test = (
            ImagePool(jnp.asarray(s.images), jnp.asarray(s.labels), self.binarise == "stochastic") for s in loaded
        )
        return train, test

    def pools_or_noise(self, *, key: "Key") -> "tuple[ImagePool, ImagePool]":
        """As `pools`, with noise of ten classes in place of files that are missing.

        **Arguments:**

        - `key`: of the noise.

        **Returns:** as `pools`; noise is the same to train on and held out.
        """
        import jax
        import jax.numpy as jnp

        from vestige.tasks.images import ImagePool

        try:
            return self.pools()
        except UsageError:
            side = image_data(self.source).side
            pixels = jax.random.randint(key, (2048, side, side), 0, 256).astype(jnp.uint8)
            noise = ImagePool(pixels, jnp.arange(2048, dtype=jnp.int32) % 10)
            return noise, noise


def known(source: str) -> None:
    """**Raises:** `ValueError` where there are no images of that name."""
    try:
        image_data(source)
    except UsageError as error:
        raise ValueError(f"source: {error}") from error
