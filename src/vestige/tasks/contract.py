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
    """Draws batches, judges models, and knows what is possible.

    `batch` and `evaluate` are pure JAX and compile: data live in array fields, on the device.
    """

    def check_sizes(self, *, batch_size: int, eval_size: int) -> None:
        """**Raises:** `ValueError` where there is too little data for batches or evaluations of these sizes."""

    @abc.abstractmethod
    def batch(self, *, size: int, key: Key) -> Batch:
        """`size` training examples, with a leading batch axis."""

    @abc.abstractmethod
    def evaluate(self, model: Any, *, size: int, key: Key) -> Metrics:
        """The published metrics on `size` held-out examples, as scalars and as curves over time."""

    @abc.abstractmethod
    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """The best possible and the chance level per metric, `{name: {"best": …, "chance": …}}` with None
        for one that is not known, and reference curves under `"curves"`; `metrics` are measured ones, where a level
        follows from them."""
