"""Tasks with a structure behind their data, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from vestige.checks import WIDTH, at_least, at_most, positive
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.structured.graph_layout import GraphLayout
    from vestige.tasks.structured.object_tracking import ObjectTracking


@dataclasses.dataclass(frozen=True)
class GraphLayoutSpec(TaskSpec):
    """The nodes of a random tree, moved step by step by springs along its edges; the tree is not shown."""

    nodes: int = 10
    """Nodes of the tree."""
    steps: int = 10
    """Frames of an example."""
    train: int | None = None
    """Train on so many layouts, drawn once and for all; None: new ones at every update."""

    part: ClassVar[str] = "vestige.tasks.structured.graph_layout:GraphLayout"
    largest: ClassVar[int] = WIDTH
    provides: ClassVar[frozenset[str]] = frozenset({"moving graphs"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "nodes", "steps")
        at_least(self, 1, "train")

    @property
    def metric(self) -> str:
        return "edge_precision"

    def summary(self) -> dict[str, str]:
        return {"nodes": str(self.nodes), "frames": str(self.steps)}

    def build(self, *, seed: int) -> "GraphLayout":
        return self.make()

    @classmethod
    def examples(cls):
        return (cls(4, 3, 5),)


@dataclasses.dataclass(frozen=True)
class ObjectTrackingSpec(TaskSpec):
    """Points that bounce in a box, detected with noise and in a random order in every frame; who is who is known in the
    first frame alone."""

    objects: int = 4
    """Points, and detections in every frame; at most 12, since the probability of a matching is a sum over 2^n sets."""
    length: int = 20
    """Frames of an example."""
    noise: float = 0.02
    """Standard deviation of a detected coordinate, in sides of the box."""

    part: ClassVar[str] = "vestige.tasks.structured.object_tracking:ObjectTracking"
    largest: ClassVar[int] = WIDTH
    provides: ClassVar[frozenset[str]] = frozenset({"detections"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "objects", "length")
        at_most(self, 12, "objects")
        positive(self, "noise")

    @property
    def metric(self) -> str:
        return "identity_accuracy"

    def summary(self) -> dict[str, str]:
        return {"objects": str(self.objects), "frames": str(self.length)}

    def build(self, *, seed: int) -> "ObjectTracking":
        return self.make()

    @classmethod
    def examples(cls):
        return (cls(3, 3),)


STRUCTURED_TASKS = {"graph-layout": GraphLayoutSpec(), "object-tracking": ObjectTrackingSpec()}
