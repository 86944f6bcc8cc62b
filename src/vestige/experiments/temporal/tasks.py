"""Which sequences are to be remembered, as options; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from vestige.experiments.checks import at_least, positive
from vestige.experiments.temporal.images import Images

if TYPE_CHECKING:
    from vestige.models.temporal import AbstractLikelihood
    from vestige.tasks import AbstractFrameTask, ImagePool
    from vestige.typing import Key


class AbstractSequences(abc.ABC):
    """The options of a task on sequences of frames."""

    @abc.abstractmethod
    def build(self) -> "AbstractFrameTask[Any]":
        """The task, with its data loaded. **Raises** `UsageError` where they are missing."""

    @abc.abstractmethod
    def rehearse(self, *, key: "Key") -> "AbstractFrameTask[Any]":
        """As `build`, with noise of the same shape in place of data that are missing."""

    @abc.abstractmethod
    def outline(self) -> dict[str, str]:
        """`frames`, what they show, and `length`, of a sequence, for `vestige list`."""

    @abc.abstractmethod
    def likelihood(self) -> "AbstractLikelihood":
        """That of a frame."""


@dataclasses.dataclass(frozen=True)
class AbstractImageSequences(AbstractSequences):
    """Sequences of binary images."""

    images: Images = dataclasses.field(default_factory=Images, kw_only=True)

    @abc.abstractmethod
    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        """The task on these images."""

    def build(self) -> "AbstractFrameTask[Any]":
        return self.assemble(*self.images.pools())

    def rehearse(self, *, key: "Key") -> "AbstractFrameTask[Any]":
        return self.assemble(*self.images.pools_or_noise(key=key))

    def likelihood(self) -> "AbstractLikelihood":
        from vestige.models.temporal import Bernoulli

        return Bernoulli()


@dataclasses.dataclass(frozen=True)
class PerfectRecall(AbstractImageSequences):
    """l images, then the first k again."""

    l: int = 10
    """Images per sequence before recall."""
    k: int = 5
    """Images recalled, from the first on."""
    control: bool = False
    """Replace the recalled images by fresh ones: nothing can be recalled."""

    def __post_init__(self):
        at_least(self, 1, "l", "k")
        if self.k > self.l:
            raise ValueError(f"k images are recalled out of l, so k <= l; got l={self.l}, k={self.k}")

    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        from vestige import tasks

        return tasks.PerfectRecall(train, test, l=self.l, k=self.k, control=self.control)

    def outline(self) -> dict[str, str]:
        return {"frames": self.images.source, "length": f"{self.l} + {self.k}"}


@dataclasses.dataclass(frozen=True)
class ParityRecall(AbstractImageSequences):
    """l digits, then for each of the first k a fresh image of the digit that says whether it was even."""

    l: int = 10
    """Digits per sequence before the answers."""
    k: int = 5
    """Answers."""
    even_is_one: bool = True
    """An even digit is answered by a 1, an odd one by a 0; False: the other way round."""

    def __post_init__(self):
        at_least(self, 1, "l", "k")
        if self.k > self.l:
            raise ValueError(f"k digits are asked for out of l, so k <= l; got l={self.l}, k={self.k}")

    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        from vestige import tasks

        return tasks.ParityRecall(train, test, self.l, self.k, even_is_one=self.even_is_one)

    def outline(self) -> dict[str, str]:
        return {"frames": self.images.source, "length": f"{self.l} + {self.k}"}


@dataclasses.dataclass(frozen=True)
class DynamicDependency(AbstractImageSequences):
    """l digits, then k times the one at the position that the last frame shows."""

    l: int = 12
    """Digits per sequence before recall; at least 10."""
    k: int = 4
    """Images recalled."""

    def __post_init__(self):
        at_least(self, 10, "l")
        at_least(self, 1, "k")

    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        from vestige import tasks

        return tasks.DynamicDependency(train, test, self.l, self.k)

    def outline(self) -> dict[str, str]:
        return {"frames": self.images.source, "length": f"{self.l} + {self.k}"}


@dataclasses.dataclass(frozen=True)
class SimilarityRecall(AbstractImageSequences):
    """l images, then k consecutive ones of them again, from a random place on."""

    l: int = 10
    """Images per sequence before the cue."""
    k: int = 5
    """The cue and what follows it."""
    pool_size: int | None = None
    """Different images per sequence; None: l drawn from all there are."""

    def __post_init__(self):
        at_least(self, 2, "k", "pool_size")
        if self.k >= self.l:
            raise ValueError(f"there are l - k places to start from, so k < l; got l={self.l}, k={self.k}")

    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        from vestige import tasks

        return tasks.SimilarityRecall(train, test, self.l, self.k, self.pool_size)

    def outline(self) -> dict[str, str]:
        return {"frames": self.images.source, "length": f"{self.l} + {self.k}"}


@dataclasses.dataclass(frozen=True)
class MapNavigation(AbstractImageSequences):
    """A walk on a map whose cells show images, given the moves."""

    grid: int = 4
    """Cells along a side of the map."""
    steps: int = 25
    """Frames of a walk."""
    random_start: bool = False
    """Start anywhere instead of in the middle."""

    def __post_init__(self):
        at_least(self, 2, "grid")
        at_least(self, 3, "steps")

    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        from vestige import tasks

        return tasks.MapNavigation(train, test, self.grid, self.steps, self.random_start)

    def outline(self) -> dict[str, str]:
        return {"frames": f"{self.images.source}, {self.grid} x {self.grid}", "length": str(self.steps)}


@dataclasses.dataclass(frozen=True)
class RoomRotation(AbstractSequences):
    """Turning on the spot in a room that is new in every sequence."""

    resolution: int = 16
    """Frames are resolution x resolution RGB pixels."""
    steps: int = 30
    """Frames of a sequence."""
    turning: Literal["revolution", "fixed-period", "random-walk"] = "revolution"
    """revolution: a turn takes 14.5 to 15.5 frames; fixed-period: 15; random-walk: left or right, given as actions."""
    sigma: float = 0.1
    """Standard deviation of a pixel about its mean."""

    def __post_init__(self):
        at_least(self, 2, "resolution", "steps")
        positive(self, "sigma")

    def build(self) -> "AbstractFrameTask[Any]":
        from vestige import tasks

        turnings = {
            "revolution": tasks.Revolution,
            "fixed-period": lambda: tasks.Revolution(15.0, 15.0),
            "random-walk": tasks.RandomTurns,
        }
        return tasks.RoomRotation(self.resolution, self.steps, turning=turnings[self.turning]())

    def rehearse(self, *, key: "Key") -> "AbstractFrameTask[Any]":
        return self.build()

    def outline(self) -> dict[str, str]:
        return {"frames": f"rooms, {self.resolution} x {self.resolution}", "length": str(self.steps)}

    def likelihood(self) -> "AbstractLikelihood":
        from vestige.models.temporal import Gaussian

        return Gaussian(self.sigma)


Sequences = PerfectRecall | ParityRecall | DynamicDependency | SimilarityRecall | MapNavigation | RoomRotation
