"""What single tasks, models and rules can do beside being trained; found by the method, never by kind."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from vestige.tasks import Evaluation
    from vestige.tasks.predictions import AbstractPredictor
    from vestige.tasks.programs import Program
    from vestige.tasks.samples import Sampled
    from vestige.tasks.spec import TaskSpec
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
class GeneratesSamples(Protocol):
    """A task whose models generate what is no sequence of images: rows, steps, texts, pictures: `vestige sample`."""

    def sampled(self, model: Any, *, count: int, steps: int | None, given: int, seed: int) -> "Sampled":
        """Generate samples.

        **Arguments:**

        - `model`: trained on this task.
        - `count`: how many.
        - `steps`: of each, where they are sequences; None: as many as in training.
        - `given`: how many at the beginning of each are those of held-out sequences.
        - `seed`: of the held-out sequences and of the samples.

        **Returns:** the samples, in the units of the data.

        **Raises:** `UsageError` where there are no such sequences, or not as long.
        """
        ...


@runtime_checkable
class ServesWithoutData(Protocol):
    """The specification of a task that can be built from what was fitted in training alone: `vestige predict` needs no
    training file."""

    def without_data(self) -> "TaskSpec":
        """The same task without its data.

        **Returns:** a specification whose `build_fitted` reads no file, and whose task is a `PredictsTables`.
        """
        ...


@runtime_checkable
class HoldsOutTheEnd(Protocol):
    """The specification of a task that is not trained on the end of each document of its file."""

    @property
    def held_out_share(self) -> float:
        """The share of the rows of each document, in (0, 1)."""
        ...


@runtime_checkable
class PredictsTables(Protocol):
    """A task whose models predict the rows of tables: `vestige predict`."""

    def predictor(self, model: Any, arrays: "Mapping[str, np.ndarray] | None") -> "AbstractPredictor | None":
        """What predicts tables.

        **Arguments:**

        - `model`: trained on this task.
        - `arrays`: of the evaluation at the end of training, in which intervals are calibrated; None: they are
          calibrated now, on the held-out data of the task.

        **Returns:** the predictor; None where the arrays, of a run of an earlier version, hold no calibration.

        **Raises:** `UsageError` where the arrays are damaged.
        """
        ...


@runtime_checkable
class ExportsProgram(Protocol):
    """A task whose models compute something for their users that can leave Python: `vestige export`."""

    def program(self, model: Any, arrays: "Mapping[str, np.ndarray] | None") -> "Program | None":
        """What they compute.

        **Arguments:**

        - `model`: trained on this task.
        - `arrays`: of the evaluation at the end of training; None: there are none.

        **Returns:** a function of arrays, with an example; None where this model computes nothing of the kind.
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
