"""The contract of a task."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from vestige.typing import Batch, Key, Metrics


class Evaluation(NamedTuple):
    """What a trained model reaches."""

    metrics: dict[str, float]
    """Final metrics, by the names that `evaluate` gives them; more may be added."""
    metrics_train: dict[str, float]
    """The same on what the model was trained on; empty where there is no such thing."""
    bounds: dict[str, Any]
    """As `bounds` returns them."""
    arrays: dict[str, np.ndarray]
    """Curves and pictures, for `evaluation.npz`."""


class AbstractTask(eqx.Module):
    """Draws batches, evaluates models, and knows what is possible.

    `batch` and `evaluate` are pure JAX and compile: data live in array fields, on the device.
    """

    def check_sizes(self, *, batch_size: int, eval_size: int) -> None:
        """Compare the data with the sizes of a run, on the host; by default nothing is required.

        **Arguments:**

        - `batch_size`: examples an update.
        - `eval_size`: held-out examples an evaluation.

        **Raises:** `ValueError` where there is too little data for batches or evaluations of these sizes.
        """

    @abc.abstractmethod
    def batch(self, *, size: int, key: Key) -> Batch:
        """Draw training examples.

        **Arguments:**

        - `size`: how many, static.
        - `key`: the batch is a function of it alone.

        **Returns:** a batch whose fields have a leading axis of `size`.
        """

    @abc.abstractmethod
    def evaluate(self, model: Any, *, size: int, key: Key) -> Metrics:
        """Evaluate a model on held-out examples. Pure JAX.

        **Arguments:**

        - `model`: as the rule trains it.
        - `size`: held-out examples, static.
        - `key`: which examples, and the noise on them.

        **Returns:** the published metrics by name: scalars, and curves over time.

        **Raises:** `ValueError` where `size` is too small.
        """

    @abc.abstractmethod
    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What is possible on this task. On the host.

        **Arguments:**

        - `metrics`: measured ones, where a level follows from them.

        **Returns:** the best possible and the chance level per metric, `{name: {"best": …, "chance": …}}` with None for
        one that is not known, and reference curves under `"curves"`.
        """
