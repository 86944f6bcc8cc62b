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
        """Final metrics, bounds, and arrays for the report.

        **Arguments:**

        - `model`: trained.
        - `size`: held-out examples per evaluation.

        **Returns:** the same for the same model and key.
        """
        ...


@runtime_checkable
class DiagnosesItself(Protocol):
    """A rule with something to say of itself, such as which steps it selects."""

    def diagnostics(self, model: Any, task: Any, *, key: "Key") -> "Diagnostics":
        """Metrics and arrays beside those of the task.

        **Arguments:**

        - `model`: trained by this rule.
        - `task`: on which it was trained.

        **Returns:** the same for the same model and key.
        """
        ...


@runtime_checkable
class GeneratesSequences(Protocol):
    """A task on which a model generates sequences of images: `vestige sample`."""

    def generated(self, model: Any, *, count: int, frames: int | None, given: int, seed: int) -> "np.ndarray":
        """Generate sequences of mean frames.

        **Arguments:**

        - `model`: trained on this task.
        - `count`: how many sequences.
        - `frames`: length of each; None: as long as in training.
        - `given`: how many frames at the beginning of each are held-out images as they are.
        - `seed`: of the held-out images and of the samples.

        **Returns:** `(count, frames, height, width)`, in [0, 1].

        **Raises:** `UsageError` where no sequence has that many to give.
        """
        ...


@runtime_checkable
class Unrolls(Protocol):
    """A model whose loops over time can be unrolled, so that the compiler counts all its arithmetic."""

    def unrolled(self, task: Any) -> Any:
        """The model without loops over time.

        **Arguments:**

        - `task`: whose sequences say how many steps there are.

        **Returns:** a model that computes the same.
        """
        ...
