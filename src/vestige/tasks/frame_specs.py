"""The tasks on sequences of frames, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import at_least, positive
from vestige.data import NamedData, Source
from vestige.spec import load
from vestige.tasks.image_options import ImageOptions
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.frames import AbstractFrameTask
    from vestige.tasks.images import ImagePool
    from vestige.typing import Key


VIEWS = {
    "named frames": "vestige.tasks.frame_sequences:FrameSequences",
    "observations": "vestige.tasks.frame_observations:FrameObservations",
}
"""What shows a task on frames to models that need something else."""


@dataclasses.dataclass(frozen=True)
class AbstractFramesSpec(TaskSpec):
    """Sequences of frames."""

    provides: ClassVar[frozenset[str]] = frozenset({"frames", "named frames"})

    def presented(self, task: Any, need: str) -> Any:
        view = VIEWS.get(need)
        return task if view is None else load(view)(task)

    @property
    def metric(self) -> str:
        return "kl_last"


@dataclasses.dataclass(frozen=True)
class AbstractImageFramesSpec(AbstractFramesSpec):
    """Sequences of binary images."""

    images: ImageOptions = dataclasses.field(default=ImageOptions(), kw_only=True)

    provides: ClassVar[frozenset[str]] = frozenset({"frames", "named frames", "observations"})

    def assemble(self, train: "ImagePool", test: "ImagePool") -> "AbstractFrameTask[Any]":
        """The task on given images.

        **Arguments:**

        - `train`, `test`: images to train on and held-out ones, of one shape.

        **Returns:** the task.

        **Raises:** `ValueError` for sizes that do not fit.
        """
        options = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "images"
        }
        return load(self.part)(train, test, **options)

    def sources(self) -> tuple[Source, ...]:
        return (NamedData(self.images.source),)

    def build(self, *, seed: int) -> "AbstractFrameTask[Any]":
        return self.assemble(*self.images.pools())

    def dummy_build(self, *, key: "Key") -> "AbstractFrameTask[Any]":
        return self.assemble(*self.images.pools_or_noise(key=key))


@dataclasses.dataclass(frozen=True)
class AbstractRecallSpec(AbstractImageFramesSpec):
    """l images, and k more that follow from them."""

    l: int = 10
    """Images per sequence before recall."""
    k: int = 5
    """Images after them."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "l", "k")

    def summary(self) -> dict[str, str]:
        return {"frames": self.images.source, "length": f"{self.l} + {self.k}"}


@dataclasses.dataclass(frozen=True)
class PerfectRecallSpec(AbstractRecallSpec):
    """l images, then the first k again."""

    control: bool = False
    """Replace the recalled images by fresh ones: nothing can be recalled."""

    part: ClassVar[str] = "vestige.tasks.recall:PerfectRecall"

    def __post_init__(self):
        super().__post_init__()
        if self.k > self.l:
            raise ValueError(f"k images are recalled out of l, so k <= l; got l={self.l}, k={self.k}")


@dataclasses.dataclass(frozen=True)
class ParityRecallSpec(AbstractRecallSpec):
    """l digits, then for each of the first k a fresh image of the digit that says whether it was even."""

    even_is_one: bool = True
    """An even digit is answered by a 1, an odd one by a 0; False: the other way round."""

    part: ClassVar[str] = "vestige.tasks.parity:ParityRecall"

    def __post_init__(self):
        super().__post_init__()
        if self.k > self.l:
            raise ValueError(f"k of l digits have an answer, so k <= l; got l={self.l}, k={self.k}")


@dataclasses.dataclass(frozen=True)
class DynamicDependencySpec(AbstractRecallSpec):
    """l digits, then k times the one at the position that the last frame shows."""

    l: int = 12
    """Digits per sequence before recall; at least 10."""
    k: int = 4
    """Images recalled."""

    part: ClassVar[str] = "vestige.tasks.dynamic:DynamicDependency"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 10, "l")


@dataclasses.dataclass(frozen=True)
class SimilarityRecallSpec(AbstractRecallSpec):
    """l images, then k consecutive ones of them again, from a random place on."""

    pool_size: int | None = None
    """Different images per sequence; None: l drawn from all there are."""

    part: ClassVar[str] = "vestige.tasks.similarity:SimilarityRecall"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "k", "pool_size")
        if self.k >= self.l:
            raise ValueError(f"there are l - k places to start from, so k < l; got l={self.l}, k={self.k}")


@dataclasses.dataclass(frozen=True)
class MapNavigationSpec(AbstractImageFramesSpec):
    """A walk on a map whose cells show images, given the moves."""

    grid: int = 4
    """Cells along a side of the map."""
    frames: int = 25
    """Frames of a walk."""
    random_start: bool = False
    """Start anywhere instead of in the middle."""

    part: ClassVar[str] = "vestige.tasks.navigation:MapNavigation"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "grid")
        at_least(self, 3, "frames")

    def summary(self) -> dict[str, str]:
        return {"frames": f"{self.images.source}, {self.grid} x {self.grid}", "length": str(self.frames)}


@dataclasses.dataclass(frozen=True)
class RoomRotationSpec(AbstractFramesSpec):
    """Turning on the spot in a room that is new in every sequence."""

    resolution: int = 16
    """Frames are resolution x resolution RGB pixels."""
    frames: int = 30
    """Frames of a sequence."""
    turning: Literal["revolution", "fixed-period", "random-walk"] = "revolution"
    """revolution: a turn takes 14.5 to 15.5 frames; fixed-period: 15; random-walk: left or right, given as actions."""
    sigma: float = 0.1
    """Standard deviation of a pixel about its mean."""

    part: ClassVar[str] = "vestige.tasks.rooms.rotation:RoomRotation"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "resolution", "frames")
        positive(self, "sigma")

    def build(self, *, seed: int) -> "AbstractFrameTask[Any]":
        from vestige.tasks.rooms import RandomTurns, Revolution

        turnings = {
            "revolution": Revolution,
            "fixed-period": lambda: Revolution(15.0, 15.0),
            "random-walk": RandomTurns,
        }
        return self.make(turning=turnings[self.turning]())

    def summary(self) -> dict[str, str]:
        return {"frames": f"rooms, {self.resolution} x {self.resolution}", "length": str(self.frames)}


FRAME_TASKS = {
    "perfect-recall": PerfectRecallSpec(),
    "parity-recall": ParityRecallSpec(),
    "dynamic-dependency": DynamicDependencySpec(),
    "similarity-recall": SimilarityRecallSpec(),
    "map-navigation": MapNavigationSpec(),
    "room-rotation": RoomRotationSpec(),
}
