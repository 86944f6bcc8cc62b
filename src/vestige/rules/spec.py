"""What the specification of a learning rule says; nothing here imports JAX."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.spec import Spec

if TYPE_CHECKING:
    from vestige.rules.contract import AbstractRule


class RuleSpec(Spec):
    """The options of a learning rule: what it needs of a model, and how it is built."""

    contract: ClassVar[str] = "rule"
    needs: ClassVar[str]
    """What a model must provide (`vestige.capabilities.OF_MODELS`)."""

    reports_storage: ClassVar[bool] = False
    """Whether what an update stores is what the rule is about, so that an evaluation measures it."""

    shared: ClassVar[tuple[str, ...]] = ()
    """Options that a rule which replaces this one by name takes over where it has them too and leaves them at their
    defaults: sizes by which rules are compared, such as the steps of a rollout."""

    @property
    def steps_per_update(self) -> int:
        """Steps of a sequence that one update goes back."""
        return 1

    def summary(self) -> dict[str, str]:
        """What `vestige list` shows of the rule.

        **Returns:** heading -> text; by default nothing.
        """
        return {}

    def check(self, model: Any, task: Any) -> None:
        """Check that these options fit those of model and task; by default all do.

        **Arguments:**

        - `model`: a `ModelSpec` that provides what the rule needs.
        - `task`: a `TaskSpec`.

        **Raises:** `ValueError` where they do not fit.
        """

    @abc.abstractmethod
    def build(self, model: Any, task: Any) -> "AbstractRule":
        """The rule.

        **Arguments:**

        - `model`: a `ModelSpec` that provides what the rule needs.
        - `task`: the built task, as the model sees it.

        **Returns:** the rule, for models of that specification on that task.

        **Raises:** `ValueError` where what it must know of them is missing, with those that have it.
        """

    def updates_per_batch(self, task: Any) -> int:
        """How many updates work through one batch: the first may cost more than those that follow.

        **Arguments:**

        - `task`: the built task, as the model sees it.

        **Returns:** at least 1; by default 1.
        """
        return 1
