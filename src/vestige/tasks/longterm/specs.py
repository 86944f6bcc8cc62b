"""The tasks on long sequences, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import at_least
from vestige.data import NamedData, Source, image_data
from vestige.spec import load
from vestige.tasks.image_options import ImageOptions, known
from vestige.tasks.longterm.stream_spec import StreamSpec
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.images import ImagePool
    from vestige.tasks.longterm.contract import AbstractLongTask
    from vestige.tasks.longterm.gap import GapRecall
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class AbstractOutcomesSpec(TaskSpec):
    """Long sequences of tokens or vectors, in which an outcome depends on what was seen long before it."""

    provides: ClassVar[frozenset[str]] = frozenset({"outcomes"})

    @property
    def metric(self) -> str:
        return "accuracy"

    def summary(self) -> dict[str, str]:
        return {"distance": f"{self.distance:,}"}

    def build(self, *, seed: int) -> "AbstractLongTask":
        return self.make()


@dataclasses.dataclass(frozen=True)
class RecallSpec(AbstractOutcomesSpec):
    """One symbol, queried at the end."""

    distance: int = 1000  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Steps between the symbol and the question."""
    symbols: int = 8
    """How many different symbols there are."""
    distractors: bool = False
    """Random tokens between, instead of blanks."""
    noise: int = 0
    """Steps between at which the outcome is random."""
    min_distance: int | None = None
    """Train on distances from this on, every octave for the same share of time; None: on the one distance."""

    part: ClassVar[str] = "vestige.tasks.longterm.recall:Recall"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "distance", "min_distance")
        at_least(self, 2, "symbols")
        at_least(self, 0, "noise")

    def at_distance(self, distance: int) -> "RecallSpec":
        return dataclasses.replace(self, distance=distance, min_distance=None, noise=min(self.noise, distance))


@dataclasses.dataclass(frozen=True)
class CopySpec(AbstractOutcomesSpec):
    """Symbols, and much later the symbols again in their order."""

    length: int = 100
    """Blanks between. With ten symbols, lengths 100, 1000 and 5000 are the published 120, 1020 and 5020."""
    symbols: int = 10
    """How many there are to remember."""
    alphabet: int | None = None
    """How many different symbols there are; None: the published 8, and 5 where the layout is positional."""
    layout: Literal["block", "scattered", "positional"] = "block"
    """block: all at the start. scattered: anywhere among the blanks. positional: each question names one."""
    min_length: int | None = None
    """Train with that many blanks and more, every octave for the same share of time; None: with `length` alone."""

    part: ClassVar[str] = "vestige.tasks.longterm.copying:Copy"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "length", "symbols", "min_length")
        at_least(self, 2, "alphabet")

    @property
    def distance(self) -> int:
        return self.length

    def at_distance(self, distance: int) -> "CopySpec":
        return dataclasses.replace(self, length=distance, min_length=None)

    def build(self, *, seed: int) -> "AbstractLongTask":
        layout, published = {"block": ("Block", 8), "scattered": ("Scattered", 8), "positional": ("Positional", 5)}[
            self.layout
        ]
        made = load(f"vestige.tasks.longterm.copying:{layout}")()
        return self.make(layout=made, alphabet=published if self.alphabet is None else self.alphabet)


@dataclasses.dataclass(frozen=True)
class AddSpec(AbstractOutcomesSpec):
    """The sum of two marked numbers among many."""

    length: int = 500
    """Steps of a sequence."""
    min_length: int | None = None
    """Train on that many steps and more, every octave for the same share of time; None: on `length` alone."""

    part: ClassVar[str] = "vestige.tasks.longterm.adding:Add"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "length", "min_length")

    @property
    def metric(self) -> str:
        return "mse"

    @property
    def distance(self) -> int:
        return self.length

    def at_distance(self, distance: int) -> "AddSpec":
        return dataclasses.replace(self, length=max(distance, 2), min_length=None)


@dataclasses.dataclass(frozen=True)
class XorSpec(AbstractOutcomesSpec):
    """Whether two bits differ: what rules with a short rollout cannot learn."""

    distance: int = 50  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Steps between the bits."""

    part: ClassVar[str] = "vestige.tasks.longterm.xor:Xor"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "distance")

    def at_distance(self, distance: int) -> "XorSpec":
        return dataclasses.replace(self, distance=distance)


@dataclasses.dataclass(frozen=True)
class PixelsSpec(AbstractOutcomesSpec):
    """A digit, one pixel after the other."""

    source: str = "digits"
    """A data set of images of digits, `vestige data list`: digits (8x8, shipped with scikit-learn), mnist (28x28,
    files), or one of a plugin."""
    size: int | None = None
    """Make the images that many pixels wide and high first; None leaves them as they are."""
    border: int = 0
    """Black pixels around an image on every side: MNIST with 14 has 3136 steps."""
    scale: int = 1
    """Repeat every pixel in both directions: MNIST at 2 has 3136 steps."""
    permuted: bool = True
    """In one random order instead of row by row."""
    held_out: Literal["test", "valid"] = "test"
    """On which images the model is evaluated; valid: the last tenth of those to train on, which are then not trained
    on."""

    part: ClassVar[str] = "vestige.tasks.longterm.pixels:PixelImages"

    def __post_init__(self):
        super().__post_init__()
        known(self.source)
        at_least(self, 1, "size", "scale")
        at_least(self, 0, "border")
        side = image_data(self.source).side
        if self.size is not None and self.size > side:
            raise ValueError(f"size makes images smaller: at most {side} for {self.source}, got {self.size}")

    @property
    def distance(self) -> int:
        return (((self.size or image_data(self.source).side) + 2 * self.border) * self.scale) ** 2

    def sources(self) -> tuple[Source, ...]:
        return (NamedData(self.source),)

    def for_choosing(self) -> "PixelsSpec":
        return dataclasses.replace(self, held_out="valid")

    def build(self, *, seed: int) -> "AbstractLongTask":
        return self._of(*ImageOptions(self.source).pools())

    def dummy_build(self, *, key: "Key") -> "AbstractLongTask":
        return self._of(*ImageOptions(self.source).pools_or_noise(key=key))

    def _of(self, *pools: "ImagePool") -> "AbstractLongTask":
        import jax

        train, test = map(self._sized, pools)
        if self.held_out == "valid":
            train, test = train.divided(-max(1, train.size // 10))
        height, width = (side + 2 * self.border for side in train.frame_shape)
        steps = height * width * self.scale**2
        order = jax.random.permutation(jax.random.key(0), steps) if self.permuted else None
        return load(self.part)(train, test, self.scale, order, self.border)

    def _sized(self, pool: "ImagePool") -> "ImagePool":
        import jax.numpy as jnp
        import numpy as np

        from vestige.data.box import shrink
        from vestige.tasks.images import ImagePool

        if self.size is None:
            return pool
        return ImagePool(jnp.asarray(shrink(np.asarray(pool.pixels), self.size)), pool.labels)


@dataclasses.dataclass(frozen=True)
class GapRecallSpec(TaskSpec):
    """Images, a long time of nothing, and the images again."""

    num_images: int = 5
    """How many images there are to remember."""
    gap: int = 2000
    """Blank frames between the first time and the second."""
    min_distance: int | None = None
    """Train on gaps from this on, every octave for the same share of time; None: on the one gap."""
    images: ImageOptions = dataclasses.field(default_factory=ImageOptions, kw_only=True)

    part: ClassVar[str] = "vestige.tasks.longterm.gap:GapRecall"
    provides: ClassVar[frozenset[str]] = frozenset({"named frames"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "num_images", "gap", "min_distance")

    @property
    def metric(self) -> str:
        return "kl_recall"

    @property
    def distance(self) -> int:
        return self.gap

    def at_distance(self, distance: int) -> "GapRecallSpec":
        return dataclasses.replace(self, gap=distance, min_distance=None)

    def summary(self) -> dict[str, str]:
        return {"distance": f"{self.gap:,}"}

    def sources(self) -> tuple[Source, ...]:
        return (NamedData(self.images.source),)

    def build(self, *, seed: int) -> "GapRecall":
        return self._of(*self.images.pools())

    def dummy_build(self, *, key: "Key") -> "GapRecall":
        return self._of(*self.images.pools_or_noise(key=key))

    def _of(self, *pools: "ImagePool") -> "GapRecall":
        options: dict[str, Any] = {name: getattr(self, name) for name in ("num_images", "gap", "min_distance")}
        return load(self.part)(*pools, **options)


LONG_TERM_TASKS = {
    "recall": RecallSpec(),
    "copy": CopySpec(),
    "add": AddSpec(),
    "xor": XorSpec(),
    "pixels": PixelsSpec(),
    "gap": GapRecallSpec(),
    "stream": StreamSpec(),
}
