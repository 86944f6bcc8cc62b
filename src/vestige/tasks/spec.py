"""What the specification of a task says; nothing here imports JAX."""

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.data import Source
from vestige.spec import Spec

if TYPE_CHECKING:
    from vestige.tasks.contract import AbstractTask
    from vestige.typing import Key


class TaskSpec(Spec):
    """The options of a task: what it provides to a model, by which metric it is evaluated, and how it is built."""

    contract: ClassVar[str] = "task"
    provides: ClassVar[frozenset[str]]
    """What a model can do with it (`vestige.capabilities.OF_TASKS`)."""
    min_eval_size: ClassVar[int] = 1
    """Held-out examples that an evaluation needs."""

    @property
    @abc.abstractmethod
    def metric(self) -> str:
        """The metric that counts: `vestige list` shows published models by it."""

    @abc.abstractmethod
    def summary(self) -> dict[str, str]:
        """What `vestige list` shows of the task.

        **Returns:** heading -> text.
        """

    @abc.abstractmethod
    def build(self, *, seed: int) -> "AbstractTask":
        """The task, its data loaded.

        **Arguments:**

        - `seed`: of the run, for tasks that draw what is fixed during a run.

        **Returns:** the task.

        **Raises:** `UsageError` where data are missing; `ValueError` for sizes that do not fit.
        """

    def sources(self) -> tuple[Source, ...]:
        """The data that `build` reads: files that the user named, data sets. None where they are generated."""
        return ()

    def fitted(self, task: Any) -> dict[str, Any]:
        """What `build` fitted to its training data.

        **Arguments:**

        - `task`: what `build` returned.

        **Returns:** plain values for `fitted.json`: scales, kept values, sizes. Empty where nothing is fitted.
        """
        return {}

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "AbstractTask":
        """As `build`, to evaluate a run: with what was fitted in training, whatever the files hold now.

        **Arguments:**

        - `fitted`: what the method of that name returned when the run was trained.
        - `seed`: as for `build`.

        **Returns:** the task. Files that are only trained on are not read.

        **Raises:** as `build`; `UsageError` where `fitted` is damaged.
        """
        return self.build(seed=seed)

    def presented(self, task: "AbstractTask", need: str) -> "AbstractTask":
        """A task as models see it that need something of it; by default as it is.

        **Arguments:**

        - `task`: what `build` or `dummy_build` returned.
        - `need`: one of `provides`.

        **Returns:** the same task behind the contract of `need`.
        """
        return task

    def dummy_build(self, *, key: "Key") -> "AbstractTask":
        """As `build`, with noise of the same shape in place of data that are missing: to be timed, never learned.

        **Arguments:**

        - `key`: of the noise.

        **Returns:** the task; by default that of seed 0.

        **Raises:** `ValueError` for sizes that do not fit.
        """
        return self.build(seed=0)

    def for_choosing(self) -> "TaskSpec | None":
        """The same task, evaluated on a part of the data that is for choosing settings, so that its test part stays
        unseen.

        **Returns:** the options of that task, which may be these; None where the data have no such part.
        """
        return None

    def at_distance(self, distance: int) -> "TaskSpec | None":
        """The same task where something must be remembered over another distance.

        **Arguments:**

        - `distance`: in steps.

        **Returns:** the options of that task; None where there is but one distance.
        """
        return None

    @property
    def distance(self) -> int | None:
        """Over how many steps something must be remembered, about; None where that has no meaning."""
        return None
