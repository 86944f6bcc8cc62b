"""What may be set of an experiment with a generative temporal model; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.abilities import AbstractGenerative, AbstractTimed
from vestige.experiments.checks import at_least, positive
from vestige.experiments.contract import Built, Findings
from vestige.experiments.optimisers import Adam
from vestige.experiments.temporal.architecture import Architecture
from vestige.experiments.temporal.memories import MEMORIES, Introspection, Memory
from vestige.experiments.temporal.tasks import PerfectRecall, Sequences

if TYPE_CHECKING:
    import numpy as np

    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Back-propagation through time."""

    clip: float | None = 10.0
    """Global norm at which the gradient is clipped; None leaves it alone."""

    def __post_init__(self):
        positive(self, "clip")

    def build(self) -> Any:
        """The rule, on the evidence lower bound."""
        from vestige.models.temporal import elbo
        from vestige.rules import Gradient

        return Gradient(elbo, clip=self.clip)


@dataclasses.dataclass(frozen=True)
class Temporal(AbstractGenerative, AbstractTimed):
    """A generative temporal model on sequences that call for memory."""

    task: Sequences = dataclasses.field(default_factory=PerfectRecall)
    model: Architecture = dataclasses.field(default_factory=Architecture)
    memory: Memory = dataclasses.field(default_factory=Introspection)
    rule: Gradient = dataclasses.field(default_factory=Gradient)
    optimiser: Adam = dataclasses.field(default_factory=Adam)
    steps: int = 10_000
    """Updates."""
    batch: int = 32
    """Sequences per update."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"memory": MEMORIES}
    subject: ClassVar[str] = "a generative model of sequences"
    variation: ClassVar[str] = "memory"
    varied: ClassVar[str] = "memory"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "batch")

    @property
    def headline(self) -> str:
        return "kl_last"

    @property
    def evaluations(self) -> int:
        return 30

    @property
    def evaluation_size(self) -> int:
        return 256

    def outline(self) -> dict[str, str]:
        return self.task.outline()

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.temporal.build import build

        return build(self, seed=seed)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.temporal.examine import examine

        return examine(built.task, model, size=self.evaluation_size, key=key)

    def imagine(
        self, built: Built, model: Any, *, count: int, frames: int | None, given: int, seed: int
    ) -> "np.ndarray":
        from vestige.experiments.temporal.imagine import imagine

        return imagine(built.task, model, count=count, frames=frames, given=given, seed=seed)

    def rehearsal(self, *, seed: int) -> Built:
        from vestige.experiments.temporal.rehearse import rehearse

        return rehearse(self, seed=seed)

    def unrolled(self, built: Built) -> Any:
        return dataclasses.replace(built.model, unroll=built.task.frames)

    def cycle(self, built: Built) -> int:
        return 1
