"""What is to be recognised and generated, as options; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Literal

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    import numpy as np

    from vestige.experiments.tied.images import Part
    from vestige.tasks.tied import LabelledImages, Patterns
    from vestige.typing import Key


class AbstractBinaryData(abc.ABC):
    """The options of data of bits."""

    @abc.abstractmethod
    def build(self, *, samples: int) -> "LabelledImages | Patterns":
        """The task, with its data loaded, judged with `samples` importance samples. **Raises** `UsageError`."""

    @abc.abstractmethod
    def rehearse(self, *, samples: int, key: "Key") -> "LabelledImages | Patterns":
        """As `build`, with noise of the same shape in place of images that are missing."""

    @property
    @abc.abstractmethod
    def classes(self) -> int | None:
        """How many classes the top of a model has; None where it has bits."""

    @property
    @abc.abstractmethod
    def side(self) -> int:
        """Pixels in each direction."""


@dataclasses.dataclass(frozen=True)
class BarsAndStripes(AbstractBinaryData):
    """All images whose rows are alike or whose columns are, each as likely as the other."""

    pixels: int = 4
    """In each direction: 4 gives 30 patterns of 16 bits."""

    def __post_init__(self):
        at_least(self, 2, "pixels")

    def build(self, *, samples: int) -> "Patterns":
        import jax.numpy as jnp

        from vestige.tasks.tied import Patterns, bars_and_stripes

        return Patterns(jnp.asarray(bars_and_stripes(self.pixels)))

    def rehearse(self, *, samples: int, key: "Key") -> "Patterns":
        return self.build(samples=samples)

    @property
    def classes(self) -> None:
        return None

    @property
    def side(self) -> int:
        return self.pixels


@dataclasses.dataclass(frozen=True)
class BinaryDigits(AbstractBinaryData):
    """Handwritten digits, made black and white once and for all."""

    source: Literal["digits", "mnist"] = "digits"
    """digits: 8x8, shipped with scikit-learn, 1347 to train on and 450 to judge by, shuffled. mnist: 28x28, files."""
    labelled: bool = True
    """Whether the top layer is the digit; otherwise it has bits and labels are not used."""
    known: int | None = None
    """How many labels of each class are known in training; None: all."""
    train: int | None = None
    """Use the first so many training images; None: all."""
    test: int | None = None
    """Use the first so many held-out images; None: all."""

    def __post_init__(self):
        at_least(self, 1, "known", "train", "test")
        if self.known is not None and not self.labelled:
            raise ValueError("known counts labels, and with labelled off there are none; leave one of them out")

    def build(self, *, samples: int) -> "LabelledImages":
        from vestige.experiments.tied.images import binary

        return self._of(*binary(self.source), samples=samples)

    def rehearse(self, *, samples: int, key: "Key") -> "LabelledImages":
        from vestige.experiments.tied.images import binary_or_noise

        return self._of(*binary_or_noise(self.source, self.side, key=key), samples=samples)

    def _of(self, *parts: "Part", samples: int) -> "LabelledImages":
        import jax.numpy as jnp

        from vestige.tasks.tied import LabelledImages, few_labels, indicators

        (train, labels), (test, test_labels) = (
            (images[:count], kinds[:count])
            for (images, kinds), count in zip(parts, (self.train, self.test), strict=True)
        )
        if self.known is not None:
            labels = few_labels(labels, self.known, 10)
        return LabelledImages(
            _flat(train),
            jnp.asarray(indicators(labels, 10)) if self.labelled else None,
            _flat(test),
            jnp.asarray(test_labels),
            (self.side, self.side),
            samples,
        )

    @property
    def classes(self) -> int | None:
        return 10 if self.labelled else None

    @property
    def side(self) -> int:
        return {"digits": 8, "mnist": 28}[self.source]


Data = BarsAndStripes | BinaryDigits


def _flat(images: "np.ndarray"):
    import jax.numpy as jnp

    return jnp.asarray(images.reshape(len(images), -1))
