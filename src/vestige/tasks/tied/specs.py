"""What is recognised and generated, and digits for a classifier, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from vestige.checks import at_least
from vestige.data import NamedData, Source, image_data
from vestige.spec import load
from vestige.tasks.image_options import known
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Array, Float

    from vestige.tasks.tied.calibrated import CalibratedDigits
    from vestige.tasks.tied.images import Part
    from vestige.tasks.tied.labelled import LabelledImages
    from vestige.tasks.tied.patterns import Patterns
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class BarsAndStripesSpec(TaskSpec):
    """All images whose rows are alike or whose columns are, each as likely as the other."""

    side: int = 4
    """Pixels in each direction: 4 gives 30 patterns of 16 bits."""

    part: ClassVar[str] = "vestige.tasks.tied.patterns:Patterns"
    provides: ClassVar[frozenset[str]] = frozenset({"bits"})
    most_hidden_bits: ClassVar[int | None] = 20
    """Evaluation enumerates the hidden states."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "side")

    @property
    def metric(self) -> str:
        return "nll"

    def summary(self) -> dict[str, str]:
        return {"images": f"{self.side} x {self.side} patterns"}

    def build(self, *, seed: int) -> "Patterns":
        import jax.numpy as jnp

        from vestige.tasks.tied.patterns import bars_and_stripes

        return load(self.part)(jnp.asarray(bars_and_stripes(self.side)))


@dataclasses.dataclass(frozen=True)
class BinaryDigitsSpec(TaskSpec):
    """Handwritten digits, or other images with labels, made black and white once and for all."""

    source: str = "digits"
    """digits: 8x8, shipped with scikit-learn, 1347 to train on and 450 held out, shuffled. mnist: 28x28, files. Or
    another data set of images, `vestige data list`."""
    labelled: bool = True
    """Whether the top layer is the class; otherwise it has bits and labels are not used."""
    labels_per_class: int | None = None
    """How many labels of each class are known in training; None: all."""
    held_out: Literal["test", "valid"] = "test"
    """On which images the model is evaluated; valid: the last fifth of those to train on, which are then not trained
    on."""
    train: int | None = None
    """Use the first so many training images; None: all."""
    test: int | None = None
    """Use the first so many held-out images; None: all."""
    samples: int = 200
    """Importance samples of a held-out image behind the likelihood while training; ten times as many at the end."""
    sweeps: int = 20
    """Sweeps of inpainting."""

    part: ClassVar[str] = "vestige.tasks.tied.labelled:LabelledImages"
    provides: ClassVar[frozenset[str]] = frozenset({"bits"})
    most_hidden_bits: ClassVar[int | None] = None

    def __post_init__(self):
        super().__post_init__()
        known(self.source)
        at_least(self, 1, "labels_per_class", "train", "test", "samples", "sweeps")
        if self.labels_per_class is not None and not self.labelled:
            raise ValueError(
                "labels_per_class counts labels, and with labelled off there are none; leave one of them out"
            )

    @property
    def metric(self) -> str:
        return "nll"

    @property
    def side(self) -> int:
        """Pixels of an image in each direction."""
        return image_data(self.source).side

    def summary(self) -> dict[str, str]:
        labels = "with classes" if self.labelled else "without classes"
        return {"images": f"{self.source}, {self.side} x {self.side}, {labels}"}

    def sources(self) -> tuple[Source, ...]:
        return (NamedData(self.source),)

    def for_choosing(self) -> "BinaryDigitsSpec":
        return dataclasses.replace(self, held_out="valid")

    def build(self, *, seed: int) -> "LabelledImages":
        from vestige.tasks.tied.images import binary

        return self._of(*binary(self.source))

    def dummy_build(self, *, key: "Key") -> "LabelledImages":
        from vestige.tasks.tied.images import binary_or_noise

        return self._of(*binary_or_noise(self.source, key=key))

    def _of(self, train: "Part", test: "Part") -> "LabelledImages":
        import jax.numpy as jnp

        from vestige.tasks.tied.labels import few_labels, indicators

        if self.held_out == "valid":
            first = len(train[1]) - len(train[1]) // 5
            train, test = ((train[0][part], train[1][part]) for part in (slice(first), slice(first, None)))
        images, labels = (array[: self.train] for array in train)
        held_out, held_out_labels = (array[: self.test] for array in test)
        classes = int(train[1].max()) + 1
        if self.labels_per_class is not None:
            labels = few_labels(labels, self.labels_per_class, classes)
        return load(self.part)(
            _flat(images),
            jnp.asarray(indicators(labels, classes)) if self.labelled else None,
            _flat(held_out),
            jnp.asarray(held_out_labels),
            (self.side, self.side),
            self.samples,
            self.sweeps,
        )


@dataclasses.dataclass(frozen=True)
class CalibratedDigitsSpec(TaskSpec):
    """Digits for a classifier of sigmoid layers, which is evaluated as it is and as a stochastic network of bits."""

    source: str = "digits"
    """digits: 8x8, shipped with scikit-learn, 1347 to train on and 450 held out, shuffled. mnist: 28x28, files. Or
    another data set of images, `vestige data list`."""
    binary: bool = True
    """Black and white images; otherwise grey ones."""
    passes: int = 200
    """Sampled passes that stand for the truth."""

    part: ClassVar[str] = "vestige.tasks.tied.calibrated:CalibratedDigits"
    provides: ClassVar[frozenset[str]] = frozenset({"labels"})

    def __post_init__(self):
        super().__post_init__()
        known(self.source)
        at_least(self, 1, "passes")

    @property
    def metric(self) -> str:
        return "ece"

    def summary(self) -> dict[str, str]:
        side = image_data(self.source).side
        return {"images": f"{self.source}, {side} x {side}"}

    def sources(self) -> tuple[Source, ...]:
        return (NamedData(self.source),)

    def build(self, *, seed: int) -> "CalibratedDigits":
        import jax.numpy as jnp

        from vestige.tasks.tied.images import binary, grey
        from vestige.tasks.tied.labels import indicators

        (train, labels), (test, test_labels) = (binary if self.binary else grey)(self.source)
        return load(self.part)(
            _flat(train),
            jnp.asarray(indicators(labels, int(labels.max()) + 1)),
            _flat(test),
            jnp.asarray(test_labels),
            self.passes,
        )


def _flat(images: "np.ndarray") -> "Float[Array, 'rows pixels']":
    import jax.numpy as jnp

    return jnp.asarray(images.reshape(len(images), -1))


TWO_WAY_TASKS = {
    "bars-and-stripes": BarsAndStripesSpec(),
    "binary-digits": BinaryDigitsSpec(),
    "calibrated-digits": CalibratedDigitsSpec(),
}
