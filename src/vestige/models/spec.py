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
        """A rule that was chosen by name alone, with options that suit this model; by default as it is registered."""
        return rule

    def check(self, task: Any) -> None:
        """**Raises:** `ValueError` where these options do not fit those of a task, a `TaskSpec`; by default all do."""

    def summary(self) -> dict[str, str]:
        """What `vestige list` shows of the model, heading -> text."""
        return {}

    def view(self, task: Any) -> Any:
        """The task as this model sees it; by default as it is."""
        return task

    @abc.abstractmethod
    def build(self, task: Any, *, key: "Key") -> "eqx.Module":
        """The model for a task that `view` returned. **Raises** `ValueError` for sizes that do not fit."""
