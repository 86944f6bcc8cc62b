"""What may be set of an experiment with a filter; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.abilities import AbstractTaught
from vestige.experiments.checks import at_least
from vestige.experiments.contract import Built, Findings
from vestige.experiments.filtering.models import MODELS, OPTIMISERS, REFH, Model, Optimiser
from vestige.experiments.filtering.own import Own
from vestige.experiments.filtering.rules import RULES, Rule
from vestige.experiments.filtering.tasks import Observed, Ring

if TYPE_CHECKING:
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Filtering(AbstractTaught):
    """A model that only goes forward in time."""

    task: Observed = dataclasses.field(default_factory=Ring)
    model: Model = dataclasses.field(default_factory=REFH)
    rule: Rule = dataclasses.field(default_factory=Own)
    chunk: int = 1
    """Steps per update."""
    optimiser: Optimiser = dataclasses.field(default_factory=Own)
    steps: int = 6000
    """Updates."""
    batch: int = 40
    """Sequences under way at once."""
    judged: int = 40
    """Held-out sequences of an evaluation."""
    watched: int = 12
    """How many times the model is judged while it learns."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"model": MODELS, "rule": RULES, "optimiser": OPTIMISERS}
    subject: ClassVar[str] = "a model that only goes forward in time"
    variation: ClassVar[str] = "model"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "chunk", "batch", "watched")
        at_least(self, 2, "judged")

    @property
    def headline(self) -> str:
        return self.task.judged_by

    @property
    def evaluations(self) -> int:
        return self.watched

    @property
    def evaluation_size(self) -> int:
        return self.judged

    def outline(self) -> dict[str, str]:
        return {"seen at a step": self.task.shape, "state": str(self.model.size)}

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.filtering.build import build

        return build(self, seed=seed)

    def rehearsal(self, *, seed: int) -> Built:
        from vestige.experiments.filtering.build import assemble

        return assemble(self, self.task.rehearse(seed=seed), seed=seed)

    def cycle(self, built: Built) -> int:
        return -(-built.task.steps // self.chunk)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.filtering.examine import examine

        return examine(built.task, model, size=self.judged, key=key)
