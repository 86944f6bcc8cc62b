"""The vocabulary shared by every room: named axes, keys, and the batch that tasks hand to rules.

Axis names used in annotations throughout: `time`, `batch`, `latent`, `hidden` (controller width),
`slots` and `width` (of a memory), `heads`, `context`, `pixels`, `features`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

__all__ = ["Array", "Batch", "Bool", "Diagnostics", "Float", "Key", "Metrics", "PyTree"]

Key = PRNGKeyArray
"""A typed random key, `jax.random.key(seed)`; always keyword-only and required."""

Metrics = Mapping[str, Any]
"""Names to scalars (or to arrays over `time`), reported and never differentiated."""


class Batch(eqx.Module):
    """What every task and data set yields: one sequence, or many with a leading batch axis.

    A field that is `None` is absent and costs nothing in the compiled program.

    **Fields:**

    - `inputs`: observations, time first.
    - `targets`: what is to be predicted beside the inputs, if anything.
    - `condition`: given at every step and never modelled (actions), shape `(time, action)`.
    - `mask`: False marks padding, which changes neither value nor gradient.
    - `reset`: True where a new sequence starts, so that several may share one row.
    """

    inputs: PyTree[Array]
    targets: PyTree[Array] | None = None
    condition: Float[Array, "*batch time action"] | None = None
    mask: Bool[Array, "*batch time"] | None = None
    reset: Bool[Array, "*batch time"] | None = None


class Diagnostics(NamedTuple):
    """What a part has to say of itself, on a trained model, beside the metrics of the task."""

    metrics: dict[str, float]
    arrays: dict[str, np.ndarray]
    """For `evaluation.npz` and the report."""
