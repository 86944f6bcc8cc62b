"""Distributions over structures, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from vestige.capabilities import OF_STRUCTURES
from vestige.estimators.specs import EstimatorSpec, LeaveOneOutSpec
from vestige.models.spec import ModelSpec
from vestige.plain import name_of
from vestige.registries import registry
from vestige.spec import with_options

if TYPE_CHECKING:
    from vestige.models.structured.rates import Rates
    from vestige.structures.specs import StructureSpec
    from vestige.typing import Key


@runtime_checkable
class CostlyOptions(Protocol):
    """What the options of a task that provides "cost" say of it."""

    @property
    def structure(self) -> "StructureSpec":
        """What is drawn."""
        ...

    def cost_function(self) -> "Callable[[Any], Any]":
        """What a draw costs.

        **Returns:** a function from the value of a draw to a scalar.
        """
        ...


@runtime_checkable
class Costly(Protocol):
    """What a task that provides "cost" gives to a model: its objective, an `Objective`, and the shape of log-rates."""

    @property
    def objective(self) -> Any:
        """Of a model with `log_rates` and `estimator`."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the log-rates."""
        ...


class ObjectiveModelSpec(ModelSpec):
    """A model with an objective, trained by the rule `gradient` with Adam."""

    provides: ClassVar[frozenset[str]] = frozenset({"objective"})
    rule_options: ClassVar[Mapping[str, Any]] = {}
    """Of the rule, where they are not its defaults."""
    adam_options: ClassVar[Mapping[str, Any]] = {"rate": 0.001}

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "gradient", **self.rule_options}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam", **self.adam_options}

    def suited(self, rule: Any) -> Any:
        return with_options(rule, **self.rule_options)


@dataclasses.dataclass(frozen=True)
class LogRatesSpec(ObjectiveModelSpec):
    """One log-rate for each key of a structure, all equal at the start, and the estimator of their gradient."""

    estimator: EstimatorSpec = dataclasses.field(default=LeaveOneOutSpec(3))

    needs: ClassVar[str] = "cost"
    subject: ClassVar[str] = "a distribution over structures"
    rule_options: ClassVar[Mapping[str, Any]] = {"clip": None}
    adam_options: ClassVar[Mapping[str, Any]] = {"rate": 0.01, "decay": "constant"}

    def check(self, task: CostlyOptions) -> None:
        check_defined(self.estimator, task.structure)

    def summary(self) -> dict[str, str]:
        return {"draws": str(self.estimator.draws)}

    def objective(self, task: Costly) -> Any:
        """The expected cost, negated."""
        return task.objective

    def build(self, task: Costly, *, key: "Key") -> "Rates":
        import math

        import jax.numpy as jnp

        from vestige.models.structured.rates import Rates

        return Rates(jnp.zeros(task.shape), self.estimator.build(math.prod(task.shape), key=key))


def check_defined(estimator: EstimatorSpec, structure: "StructureSpec") -> None:
    """Check that an `estimator` is defined for a `structure`; both are specifications.

    **Raises:** `ValueError` where it needs what the structure does not provide, with those that run.
    """
    if estimator.needs and estimator.needs not in structure.provides:
        check_provided(estimator, structure.provides, name_of(structure))


def check_provided(estimator: EstimatorSpec, provides: Collection[str], structure: str) -> None:
    """Check that an estimator is defined for a structure that may not be registered.

    **Arguments:**

    - `estimator`: a specification.
    - `provides`: words of `vestige.capabilities.OF_STRUCTURES`.
    - `structure`: its name, for the message.

    **Raises:** `ValueError` where the estimator needs another word, with those that run.
    """
    if not estimator.needs or estimator.needs in provides:
        return
    others = [name for name, spec in registry("estimator").items() if not spec.needs or spec.needs in provides]
    raise ValueError(
        f"estimator {name_of(estimator)} needs a structure with {estimator.needs} ({OF_STRUCTURES[estimator.needs]}), "
        f"and {structure} has none. Estimators for it: {', '.join(others)}"
    )
