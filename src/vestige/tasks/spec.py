"""What the specification of a task says; nothing here imports JAX."""

import abc
from typing import TYPE_CHECKING, ClassVar

from vestige.spec import Spec

if TYPE_CHECKING:
    from vestige.tasks.contract import AbstractTask
    from vestige.typing import Key


class TaskSpec(Spec):
    """The options of a task: what it provides to a model, by which metric it is told, and how it is built."""

    contract: ClassVar[str] = "task"
    provides: ClassVar[frozenset[str]]
    """What a model can do with it (`vestige.capabilities.OF_TASKS`)."""
    min_eval_size: ClassVar[int] = 1
    """Held-out examples that an evaluation needs."""

    @property
    @abc.abstractmethod
    def metric(self) -> str:
        """The metric that counts: by it published models are told in `vestige list`."""

    @abc.abstractmethod
    def summary(self) -> dict[str, str]:
        """What `vestige list` shows of the task, heading -> text."""

    @abc.abstractmethod
    def build(self, *, seed: int) -> "AbstractTask":
        """The task, its data loaded.

        **Raises:** `UsageError` where data are missing; `ValueError` for sizes that do not fit.
        """

    def presented(self, task: "AbstractTask", need: str) -> "AbstractTask":
        """A task that `build` returned, as models see it that need `need`, one of `provides`."""
        return task

    def dummy_build(self, *, key: "Key") -> "AbstractTask":
        """As `build`, with noise of the same shape in place of data that are missing: to be timed, never learned."""
        return self.build(seed=0)

    def at_distance(self, distance: int) -> "TaskSpec | None":
        """The same task where something must be remembered over another distance; None where there is but one."""
        return None

    @property
    def distance(self) -> int | None:
        """Over how many steps something must be remembered, about; None where that has no meaning."""
        return None
