"""What the specification of a model that only goes forward in time says; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from vestige.models.spec import ModelSpec
from vestige.spec import with_options

if TYPE_CHECKING:
    from vestige.models.families import AbstractFamily
    from vestige.models.filters.contract import AbstractFilter
    from vestige.models.filters.recursion import AbstractRecursion
    from vestige.typing import Key


@runtime_checkable
class Observed(Protocol):
    """What a filter must know of the sequences for which it is built."""

    @property
    def family(self) -> "AbstractFamily":
        """Of an observation."""
        ...


@dataclasses.dataclass(frozen=True)
class FilterSpec(ModelSpec):
    """The options of a model whose state is made of the state before and the observation alone."""

    needs: ClassVar[str] = "observations"
    provides: ClassVar[frozenset[str]] = frozenset({"step density"})
    subject: ClassVar[str] = "a model that only goes forward in time"
    suits: ClassVar[Mapping[str, Any]] = {}
    """Options that suit it in any rule that has them."""

    @property
    @abc.abstractmethod
    def state_size(self) -> int:
        """Numbers of its state."""

    @property
    @abc.abstractmethod
    def step_objective(self) -> Mapping[str, Any]:
        """How the density of a step is fitted, as a rule reads it: the `name` of an objective and its options."""

    @property
    def lags(self) -> tuple[int, ...]:
        """Steps ahead that it predicts."""
        return ()

    def suited(self, rule: Any) -> Any:
        """The rule with the options of `suits`."""
        return with_options(rule, **self.suits)

    def summary(self) -> dict[str, str]:
        return {"state": str(self.state_size)}

    def recursion(self, model: Any) -> "AbstractRecursion | None":
        """What of the model is fitted in closed form as a stream goes on; by default nothing.

        **Arguments:**

        - `model`: as `build` made it.

        **Returns:** sums before the first step.
        """
        del model

    @abc.abstractmethod
    def build(self, task: Observed, *, key: "Key") -> "AbstractFilter":
        """The model of a task's observations.

        **Arguments:**

        - `task`: on observations; its family says what is observed.
        - `key`: for its initial parameters.

        **Returns:** the filter.

        **Raises:** `ValueError` for a family that the model cannot have.
        """
