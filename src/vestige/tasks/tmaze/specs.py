"""The T-maze, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from vestige.checks import at_least
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.tmaze.control import MazeControl


@dataclasses.dataclass(frozen=True)
class TMazeSpec(TaskSpec):
    """A corridor, and at its end a choice that a hint at its beginning decides."""

    length: int = 100
    """Fewest steps of an episode."""
    jitter: int = 10
    """Most further steps."""

    part: ClassVar[str] = "vestige.tasks.tmaze.maze:TMaze"
    provides: ClassVar[frozenset[str]] = frozenset({"maze"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "length")
        at_least(self, 0, "jitter")

    @property
    def metric(self) -> str:
        return "reward"

    def summary(self) -> dict[str, str]:
        return {"corridor": f"{self.length:,} to {self.length + self.jitter:,}"}

    def build(self, *, seed: int) -> "MazeControl":
        return load("vestige.tasks.tmaze.control:MazeControl")(self.make())
