"""What the experiments have in common in which something must be remembered over a span; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Any

from vestige.experiments.contract import Built, Findings
from vestige.experiments.longterm.remembering import AbstractRemembering
from vestige.experiments.longterm.tasks import AbstractSequences

if TYPE_CHECKING:
    from vestige.tasks.longterm import AbstractMemoryTask
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class AbstractSpanned(AbstractRemembering):
    """Something must be remembered over a span of steps, and a rule must learn to."""

    task: AbstractSequences

    @abc.abstractmethod
    def shown(self, task: Any) -> "AbstractMemoryTask":
        """The task as the model must see it."""

    @abc.abstractmethod
    def assemble(self, task: Any, *, seed: int) -> Built:
        """What these options ask for, on a task that is already there, as the model sees it."""

    def make_task(self) -> "AbstractMemoryTask":
        """The task as the model sees it. **Raises** `UsageError` where its data are missing."""
        return self.shown(self.task.build())

    def build(self, *, seed: int) -> Built:
        return self.assemble(self.make_task(), seed=seed)

    def rehearsal(self, *, seed: int) -> Built:
        import jax

        return self.assemble(self.shown(self.task.rehearse(key=jax.random.key(seed))), seed=seed)

    def cycle(self, built: Built) -> int:
        return self.rule.updates(built.task.steps, rollout=self.rollout)

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
