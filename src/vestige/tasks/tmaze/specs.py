"""The T-maze, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from vestige.checks import at_least
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.tmaze.control import MazeControl

CLEAR = 5
"""First steps that are never a junction which pays by chance."""


def check_distractors(length: int, distractors: int) -> None:
    """**Raises:** `ValueError` where a maze of `length` has no room for so many `distractors`."""
    if distractors and length < CLEAR + 1 + distractors:
        raise ValueError(
            f"length must be at least {CLEAR + 1 + distractors} with distractors={distractors}, which stand after the "
            f"first {CLEAR} steps and before the last, got {length}"
        )


@dataclasses.dataclass(frozen=True)
class TMazeSpec(TaskSpec):
    """A corridor, and at its end a choice that a hint at its beginning decides."""

    length: int = 100
    """Fewest steps of an episode."""
    jitter: int = 10
    """Most further steps."""
    distractors: int = 0
    """Junctions after the first five steps that pay by chance."""
    choice: Literal["last", "random"] = "last"
    """Which junction is the true one, where there are several."""

    part: ClassVar[str] = "vestige.tasks.tmaze.maze:TMaze"
    provides: ClassVar[frozenset[str]] = frozenset({"maze"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "length")
        at_least(self, 0, "jitter", "distractors")
        check_distractors(self.length, self.distractors)
        if self.choice not in ("last", "random"):
            raise ValueError(f"choice must be last or random, got {self.choice}")

    @property
    def metric(self) -> str:
        return "reward"

    def summary(self) -> dict[str, str]:
        corridor = f"{self.length:,} to {self.length + self.jitter:,}"
        return {"corridor": corridor + (f", {self.distractors} distractors" if self.distractors else "")}

    def build(self, *, seed: int) -> "MazeControl":
        return load("vestige.tasks.tmaze.control:MazeControl")(self.make())
