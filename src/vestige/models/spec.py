"""What the specification of a model says; nothing here imports JAX."""

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import WIDTH
from vestige.spec import Spec

if TYPE_CHECKING:
    import equinox as eqx

    from vestige.typing import Key


class ModelSpec(Spec):
    """The options of a model: what it needs of a task, what it provides to a rule, and how it is built."""

    contract: ClassVar[str] = "model"
    largest: ClassVar[int] = WIDTH
    needs: ClassVar[str]
    """What a task must provide (`vestige.capabilities.OF_TASKS`)."""
    provides: ClassVar[frozenset[str]]
    """What rules can do with it (`vestige.capabilities.OF_MODELS`)."""
    subject: ClassVar[str]
    """What is trained, as the report's first sentence says it: "a generative model of sequences"."""

    @property
    @abc.abstractmethod
    def default_rule(self) -> Mapping[str, Any]:
        """The rule with which it is trained where none is chosen, as `config.yaml` holds it: name and options."""

    @property
    @abc.abstractmethod
    def default_optimiser(self) -> Mapping[str, Any]:
        """Likewise the optimiser."""

    def suited(self, rule: Any) -> Any:
        """A rule that was chosen by name alone, with options that suit this model; by default as it is registered.

        **Arguments:**

        - `rule`: the registered `RuleSpec`.

        **Returns:** a `RuleSpec` of the same class.
        """
        return rule

    def check(self, task: Any) -> None:
        """Check that these options fit those of a task; by default all do.

        **Arguments:**

        - `task`: a `TaskSpec` that provides what the model needs.

        **Raises:** `ValueError` where they do not fit.
        """

    def summary(self) -> dict[str, str]:
        """What `vestige list` shows of the model.

        **Returns:** heading -> text; by default nothing.
        """
        return {}

    def view(self, task: Any) -> Any:
        """The task as this model sees it; by default as it is.

        **Arguments:**

        - `task`: a built task, presented as the model needs it (`TaskSpec.presented`).

        **Returns:** the task on which the model is trained.
        """
        return task

    @abc.abstractmethod
    def build(self, task: Any, *, key: "Key") -> "eqx.Module":
        """The model.

        **Arguments:**

        - `task`: a task that `view` returned.
        - `key`: for its initial parameters.

        **Returns:** an Equinox module; its floating-point arrays are trained.

        **Raises:** `ValueError` for sizes that do not fit.
        """
