"""Which sequences are to be recalled, as options."""

import dataclasses
from typing import Any, Literal

from vestige.experiments.checks import at_least


@dataclasses.dataclass(frozen=True)
class Images:
    """Which images, and how they become binary."""

    source: Literal["digits", "mnist", "omniglot", "glyphs"] = "digits"
    """digits: 8x8, shipped with scikit-learn. glyphs: 28x28 strokes, generated. mnist, omniglot: 28x28, files."""
    binarise: Literal["threshold", "stochastic"] = "threshold"
    """threshold: ink from mid grey on. stochastic: drawn once per fetched image."""

    def pools(self) -> tuple[Any, Any]:
        """Training and held-out images on the device."""
        import jax.numpy as jnp

        from vestige.data import DATASETS
        from vestige.tasks import ImagePool

        loaded = [DATASETS[self.source].load(split) for split in ("train", "test")]
        train, test = (
            ImagePool(jnp.asarray(s.images), jnp.asarray(s.labels), self.binarise == "stochastic") for s in loaded
        )
        return train, test


@dataclasses.dataclass(frozen=True)
class RecallTask:
    """l images, then the first k again."""

    l: int = 10
    """Images per sequence before recall."""
    k: int = 5
    """Images recalled, from the first on."""
    control: bool = False
    """Replace the recalled images by fresh ones: nothing can be recalled."""
    images: Images = Images()

    def __post_init__(self):
        at_least(self, 1, "l", "k")
        if self.k > self.l:
            raise ValueError(f"k images are recalled out of l, so k <= l; got l={self.l}, k={self.k}")

    def build(self) -> Any:
        """The task, with its images loaded."""
        from vestige.tasks import PerfectRecall

        train, test = self.images.pools()
        return PerfectRecall(train, test, l=self.l, k=self.k, control=self.control)
