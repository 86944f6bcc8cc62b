"""Which sequences are to be remembered, as options; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Literal

from vestige.experiments.checks import at_least
from vestige.experiments.temporal.images import Images

if TYPE_CHECKING:
    from vestige.tasks import ImagePool
    from vestige.tasks.longterm import AbstractLongTask, AbstractMemoryTask
    from vestige.typing import Key


SIDES = {"digits": 8, "mnist": 28}
"""Pixels of an image in each direction."""


class AbstractSequences(abc.ABC):
    """The options of a task on long sequences."""

    @abc.abstractmethod
    def build(self) -> "AbstractMemoryTask":
        """The task, with its data loaded. **Raises** `UsageError` where they are missing."""

    @abc.abstractmethod
    def rehearse(self, *, key: "Key") -> "AbstractMemoryTask":
        """As `build`, with noise of the same shape in place of data that are missing."""

    @property
    @abc.abstractmethod
    def span(self) -> int:
        """Over how many steps something must be remembered, about."""

    @abc.abstractmethod
    def spanning(self, span: int) -> "AbstractSequences | None":
        """The same with another span; None where there is but one."""

    @property
    @abc.abstractmethod
    def judged_by(self) -> str:
        """The published metric."""


class AbstractGenerated(AbstractSequences):
    """Those that are made as they are read: no data can be missing."""

    def rehearse(self, *, key: "Key") -> "AbstractMemoryTask":
        return self.build()


@dataclasses.dataclass(frozen=True)
class AbstractChoices(AbstractSequences):
    """Those whose outcome is a class."""

    @property
    def judged_by(self) -> str:
        return "accuracy"


@dataclasses.dataclass(frozen=True)
class Recall(AbstractGenerated, AbstractChoices):
    """One symbol, asked for at the end."""

    distance: int = 1000
    """Steps between the symbol and the question."""
    shortest: int | None = None
    """Train on distances from this on, every octave for the same share of time; None: on the one distance."""
    symbols: int = 8
    """How many different symbols there are."""
    distractors: bool = False
    """Random tokens between, instead of blanks."""
    noise: int = 0
    """Steps between at which the outcome is random."""

    def __post_init__(self):
        at_least(self, 1, "distance", "shortest")
        at_least(self, 2, "symbols")
        at_least(self, 0, "noise")

    def build(self) -> "AbstractLongTask":
        from vestige.tasks import longterm

        return longterm.Recall(self.distance, self.symbols, self.distractors, self.noise, self.shortest)

    @property
    def span(self) -> int:
        return self.distance

    def spanning(self, span: int) -> "Recall":
        return dataclasses.replace(self, distance=span, shortest=None, noise=min(self.noise, span))


@dataclasses.dataclass(frozen=True)
class Copy(AbstractGenerated, AbstractChoices):
    """Symbols, and much later the symbols again in their order."""

    length: int = 100
    """Blanks between. With ten symbols, lengths 100, 1000 and 5000 are the published 120, 1020 and 5020."""
    symbols: int = 10
    """How many there are to remember."""
    layout: Literal["block", "scattered", "positional"] = "block"
    """block: all at the start. scattered: anywhere among the blanks. positional: each question names one."""
    shortest: int | None = None
    """Train with that many blanks and more, every octave for the same share of time; None: with `length` alone."""

    def __post_init__(self):
        at_least(self, 1, "length", "symbols", "shortest")

    def build(self) -> "AbstractLongTask":
        from vestige.tasks import longterm

        layouts = {"block": longterm.Block, "scattered": longterm.Scattered, "positional": longterm.Positional}
        alphabets = {"block": 8, "scattered": 8, "positional": 5}
        layout = layouts[self.layout]()
        return longterm.Copy(self.length, self.symbols, alphabets[self.layout], layout, self.shortest)

    @property
    def span(self) -> int:
        return self.length

    def spanning(self, span: int) -> "Copy":
        return dataclasses.replace(self, length=span, shortest=None)


@dataclasses.dataclass(frozen=True)
class Add(AbstractGenerated):
    """The sum of two marked numbers among many."""

    length: int = 500
    """Steps of a sequence."""
    shortest: int | None = None
    """Train on that many steps and more, every octave for the same share of time; None: on `length` alone."""

    def __post_init__(self):
        at_least(self, 2, "length", "shortest")

    def build(self) -> "AbstractLongTask":
        from vestige.tasks import longterm

        return longterm.Add(self.length, self.shortest)

    @property
    def span(self) -> int:
        return self.length

    def spanning(self, span: int) -> "Add":
        return dataclasses.replace(self, length=max(span, 2), shortest=None)

    @property
    def judged_by(self) -> str:
        return "mse"


@dataclasses.dataclass(frozen=True)
class Xor(AbstractGenerated, AbstractChoices):
    """Whether two bits differ: what rules with a short rollout cannot learn."""

    distance: int = 50
    """Steps between the bits."""

    def __post_init__(self):
        at_least(self, 1, "distance")

    def build(self) -> "AbstractLongTask":
        from vestige.tasks import longterm

        return longterm.Xor(self.distance)

    @property
    def span(self) -> int:
        return self.distance

    def spanning(self, span: int) -> "Xor":
        return dataclasses.replace(self, distance=span)


@dataclasses.dataclass(frozen=True)
class Pixels(AbstractChoices):
    """A digit, one pixel after the other."""

    source: Literal["digits", "mnist"] = "digits"
    """digits: 8x8, shipped with scikit-learn. mnist: 28x28, files."""
    size: int | None = None
    """Make the images that many pixels wide and high first; None leaves them as they are."""
    scale: int = 1
    """Repeat every pixel in both directions: MNIST at 2 has 3136 steps."""
    permuted: bool = True
    """In one random order instead of row by row."""

    def __post_init__(self):
        at_least(self, 1, "size", "scale")
        if self.size is not None and self.size > SIDES[self.source]:
            raise ValueError(
                f"size makes images smaller: at most {SIDES[self.source]} for {self.source}, got {self.size}"
            )

    def build(self) -> "AbstractLongTask":
        return self._of(*Images(self.source).pools())

    def rehearse(self, *, key: "Key") -> "AbstractLongTask":
        return self._of(*Images(self.source).pools_or_noise(key=key))

    def _of(self, *pools: "ImagePool") -> "AbstractLongTask":
        import jax

        from vestige.tasks import longterm

        train, test = map(self._sized, pools)
        height, width = train.frame_shape
        steps = height * width * self.scale**2
        order = jax.random.permutation(jax.random.key(0), steps) if self.permuted else None
        return longterm.PixelImages(train, test, self.scale, order)

    def _sized(self, pool: "ImagePool") -> "ImagePool":
        import jax.numpy as jnp
        import numpy as np

        from vestige.data.box import shrink
        from vestige.tasks import ImagePool

        if self.size is None:
            return pool
        return ImagePool(jnp.asarray(shrink(np.asarray(pool.pixels), self.size)), pool.labels)

    @property
    def span(self) -> int:
        side = self.size or SIDES[self.source]
        return (side * self.scale) ** 2

    def spanning(self, span: int) -> None:
        return None


Sequences = Recall | Copy | Add | Xor | Pixels
