"""What the kinds of experiment with a long-term memory have in common; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.checks import at_least
from vestige.experiments.contract import AbstractOptions, Built, Findings
from vestige.experiments.longterm.rules import RULES, MemUP, Rule
from vestige.experiments.longterm.tasks import AbstractSequences
from vestige.experiments.optimisers import Adam, Muon

if TYPE_CHECKING:
    from vestige.tasks.longterm import AbstractMemoryTask
    from vestige.typing import Key

OPTIMISERS: Mapping[str, Adam | Muon] = {"adam": Adam(1e-3, "constant", 0), "muon": Muon()}
"""What `--optimiser NAME` stands for."""


@dataclasses.dataclass(frozen=True)
class AbstractSpanned(AbstractOptions):
    """Something must be remembered over a span of steps, and a rule must learn to."""

    task: AbstractSequences
    rule: Rule = dataclasses.field(default_factory=MemUP, kw_only=True)
    rollout: int = dataclasses.field(default=10, kw_only=True)
    """Steps that the gradient goes back, for rules that do not read a sequence whole."""
    targets: int = dataclasses.field(default=1, kw_only=True)
    """Later steps about which a rollout is asked, for rules that ask."""
    optimiser: Adam | Muon = dataclasses.field(default_factory=lambda: OPTIMISERS["adam"], kw_only=True)
    steps: int = dataclasses.field(default=6000, kw_only=True)
    """Updates."""
    batch: int = dataclasses.field(default=64, kw_only=True)
    """Sequences under way at once."""
    evaluations: int = dataclasses.field(default=30, kw_only=True)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """How many times the memory is judged while it learns."""
    evaluation_size: int = dataclasses.field(default=128, kw_only=True)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Sequences per evaluation."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"rule": RULES, "optimiser": OPTIMISERS}
    variation: ClassVar[str] = "rule"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "batch", "rollout", "targets", "evaluations", "evaluation_size")

    @abc.abstractmethod
    def make_task(self) -> "AbstractMemoryTask":
        """The task as the model sees it. **Raises** `UsageError` where its data are missing."""

    @property
    def headline(self) -> str:
        return self.task.judged_by

    def at(self, span: int) -> "AbstractSpanned | None":
        """The same over another span; None where there is but one."""
        task = self.task.spanning(span)
        return None if task is None else dataclasses.replace(self, task=task)

    def outline(self) -> dict[str, str]:
        return {"distance": f"{self.task.span:,}", "rollout": str(self.rollout)}

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.longterm.examine import examine

        return examine(self, built, model, key=key)
