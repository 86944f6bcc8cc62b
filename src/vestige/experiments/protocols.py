"""What single tasks, models and rules can do beside being trained; found by the method, never by kind."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from vestige.tasks import Evaluation
    from vestige.typing import Diagnostics, Key


@runtime_checkable
class DiagnosesModels(Protocol):
    """A task with more to say of a trained model than its metrics."""

    def diagnostics(self, model: Any, *, size: int, key: "Key") -> "Evaluation":
        """Final metrics, bounds, and arrays for the report; the same model and key give the same."""
        ...


@runtime_checkable
class DiagnosesItself(Protocol):
    """A rule with something to say of itself, such as which steps it selects."""

    def diagnostics(self, model: Any, task: Any, *, key: "Key") -> "Diagnostics":
        """Metrics and arrays beside those of the task."""
        ...


@runtime_checkable
class GeneratesSequences(Protocol):
    """A task on which a model generates sequences of images: `vestige sample`."""

    def generated(self, model: Any, *, count: int, frames: int | None, given: int, seed: int) -> "np.ndarray":
        """`count` sequences of `frames` mean frames, `(count, frames, height, width)` in [0, 1]; as long as in training
        where `frames` is None. The first `given` of each are held-out images as they are.

        **Raises:** `UsageError` where no sequence has that many to give.
        """
        ...


@runtime_checkable
class Unrolls(Protocol):
    """A model whose loops over time can be unrolled, so that the compiler counts all its arithmetic."""

    def unrolled(self, task: Any) -> Any:
        """The model without loops over the steps of a task's sequences."""
        ...
