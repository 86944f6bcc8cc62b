"""Where the images of a task come from, as options."""

import dataclasses
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vestige.tasks import ImagePool
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Images:
    """Which images, and how they become binary."""

    source: Literal["digits", "mnist", "omniglot", "glyphs"] = "digits"
    """digits: 8x8, shipped with scikit-learn. glyphs: 28x28 strokes, generated. mnist, omniglot: 28x28, files."""
    binarise: Literal["threshold", "stochastic"] = "threshold"
    """threshold: ink from mid grey on. stochastic: drawn once per fetched image."""

    def pools(self) -> "tuple[ImagePool, ImagePool]":
        """Training and held-out images on the device. **Raises** `UsageError` where files are missing."""
        import jax.numpy as jnp

        from vestige.data import DATASETS
        from vestige.tasks import ImagePool

        loaded = [DATASETS[self.source].load(split) for split in ("train", "test")]
        train, test = (
            ImagePool(jnp.asarray(s.images), jnp.asarray(s.labels), self.binarise == "stochastic") for s in loaded
        )
        return train, test

    def pools_or_noise(self, *, key: "Key") -> "tuple[ImagePool, ImagePool]":
        """As `pools`, with 28x28 noise of ten classes in place of files that are missing."""
        import jax
        import jax.numpy as jnp

        from vestige.errors import UsageError
        from vestige.tasks import ImagePool

        try:
            return self.pools()
        except UsageError:
            pixels = jax.random.randint(key, (2048, 28, 28), 0, 256).astype(jnp.uint8)
            noise = ImagePool(pixels, jnp.arange(2048, dtype=jnp.int32) % 10)
            return noise, noise
