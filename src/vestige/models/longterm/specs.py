"""The models with a long-term memory, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from vestige.cells.specs import CellSpec, LSTMSpec
from vestige.checks import at_least
from vestige.memory.specs import DNCSpec, MemorySpec
from vestige.models.spec import ModelSpec
from vestige.models.temporal.specs import AbstractTemporalSpec, Framed
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.models.longterm.generative import GenerativeMemory
    from vestige.models.longterm.model import LongTermModel
    from vestige.typing import Key


@runtime_checkable
class HasDistance(Protocol):
    """A task in which something must be remembered."""

    @property
    def max_distance(self) -> int:
        """Over how many steps, about."""
        ...


@runtime_checkable
class HasContextWindow(Protocol):
    """A task whose steps can show the last few as well."""

    def with_context_window(self, width: int) -> Any:
        """The same task, every step of which shows the last few.

        **Arguments:**

        - `width`: steps that are shown, the present one included.

        **Returns:** the task.

        **Raises:** `ValueError` where `width < 1`.
        """
        ...


DEFAULT_RULE: Mapping[str, Any] = {"name": "memup"}
DEFAULT_OPTIMISER: Mapping[str, Any] = {"name": "adam", "decay": "constant"}


@dataclasses.dataclass(frozen=True)
class RecurrentSpec(ModelSpec):
    """A recurrent long-term memory, a predictor that queries it, and an uncertainty detector."""

    cell: CellSpec = dataclasses.field(default_factory=LSTMSpec)
    features: int = 32
    """Numbers that become of what is seen at a step, once for the memory and once for the question."""
    context_window: int = 1
    """Steps that the predictor sees of where it is queried, the queried one included."""
    width: int = 64
    """Hidden units of the predictor."""
    detector_context: int = 1
    """Steps that the uncertainty detector sees, the one in question included."""
    detector_width: int = 64
    """Its hidden units."""

    part: ClassVar[str] = "vestige.models.longterm.build:recurrent"
    needs: ClassVar[str] = "outcomes"
    provides: ClassVar[frozenset[str]] = frozenset({"long-term memory"})
    subject: ClassVar[str] = "a long-term memory"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "features", "context_window", "width", "detector_context", "detector_width")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return DEFAULT_RULE

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return DEFAULT_OPTIMISER

    def view(self, task: Any) -> Any:
        if self.context_window == 1:
            return task
        if not isinstance(task, HasContextWindow):
            raise ValueError(
                f"model.context_window must be 1 on a task whose steps show themselves alone ({type(task).__name__}), "
                f"got {self.context_window}"
            )
        return task.with_context_window(self.context_window)

    def build(self, task: Any, *, key: "Key") -> "LongTermModel":
        seen: HasDistance = task

        def cell(inputs: int, *, key: "Key") -> Any:
            return self.cell.build(inputs, distance=seen.max_distance, key=key)

        return self.make(task, cell=cell, key=key)


@dataclasses.dataclass(frozen=True)
class GenerativeMemorySpec(AbstractTemporalSpec):
    """A generative temporal model as a long-term memory: its outcomes are the frames."""

    memory: MemorySpec = dataclasses.field(default_factory=lambda: DNCSpec(slots=16))
    match_parameters: bool = False
    """Choose the controller's width so that every memory gives as many parameters as introspection does."""
    detector_width: int = 64
    """Hidden units of the uncertainty detector."""

    needs: ClassVar[str] = "named frames"
    provides: ClassVar[frozenset[str]] = frozenset({"long-term memory"})
    subject: ClassVar[str] = "a generative model of long sequences"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "detector_width")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return DEFAULT_RULE

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return DEFAULT_OPTIMISER

    def build(self, task: Framed, *, key: "Key") -> "GenerativeMemory":
        import jax

        key_model, key_detector = jax.random.split(key)
        model = self.temporal(task, key=key_model)
        make = load("vestige.models.longterm.generative:generative_memory")
        return make(model, task.frame_shape, task.condition_size, width=self.detector_width, key=key_detector)
