"""What may be set of a generative model with a long-term memory; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.checks import at_least
from vestige.experiments.contract import Built
from vestige.experiments.longterm.rules import Told
from vestige.experiments.longterm.spanned import AbstractSpanned
from vestige.experiments.longterm.tasks import AbstractSequences
from vestige.experiments.temporal.architecture import Architecture
from vestige.experiments.temporal.images import Images
from vestige.experiments.temporal.memories import DNC, MEMORIES, Memory

if TYPE_CHECKING:
    from vestige.tasks import ImagePool
    from vestige.tasks.longterm import GapRecall
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Gap(AbstractSequences):
    """Images, a long time of nothing, and the images again."""

    images: int = 5
    """How many there are."""
    gap: int = 2000
    """Blank frames between the first time and the second."""
    shortest: int | None = 1
    """Train on gaps from this on, every octave for the same share of time; None: on the one gap."""
    of: Images = dataclasses.field(default_factory=Images)

    def __post_init__(self):
        at_least(self, 1, "images", "gap", "shortest")

    def build(self) -> "GapRecall":
        return self._of(*self.of.pools())

    def rehearse(self, *, key: "Key") -> "GapRecall":
        return self._of(*self.of.pools_or_noise(key=key))

    def _of(self, train: "ImagePool", test: "ImagePool") -> "GapRecall":
        from vestige.tasks.longterm import GapRecall

        return GapRecall(train, test, images=self.images, gap=self.gap, min_distance=self.shortest)

    @property
    def span(self) -> int:
        return self.gap

    def spanning(self, span: int) -> "Gap":
        return dataclasses.replace(self, gap=span, shortest=None)

    @property
    def judged_by(self) -> str:
        return "kl_recall"


@dataclasses.dataclass(frozen=True)
class Generative(AbstractSpanned):
    """A generative temporal model with external memory, trained by a rule for long-term memories."""

    task: Gap = dataclasses.field(default_factory=Gap)
    memory: Memory = dataclasses.field(default_factory=lambda: DNC(slots=16))
    model: Architecture = dataclasses.field(default_factory=lambda: Architecture(match_parameters=False))

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {**AbstractSpanned.choices, "memory": MEMORIES}
    subject: ClassVar[str] = "a generative model of long sequences"

    def shown(self, task: "GapRecall") -> "GapRecall":
        return task

    def assemble(self, task: "GapRecall", *, seed: int) -> Built:
        import jax

        from vestige.models.longterm import generative_memory
        from vestige.models.temporal import Bernoulli

        key_model, key_detector, key_run = jax.random.split(jax.random.key(seed), 3)
        inner = self.model.build(task, self.memory, likelihood=Bernoulli(), key=key_model)
        model = generative_memory(inner, task.frame_shape, task.condition_size, key=key_detector)
        rule = self.rule.build(Told(task.steps, task.queries), rollout=self.rollout, targets=self.targets)
        return Built(model, task, rule, self.optimiser.build(self.steps), key_run)
