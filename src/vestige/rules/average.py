"""A moving average of a model's parameters."""

from typing import Any

import equinox as eqx
import jax

from vestige.typing import PyTree


def parameters(model: Any) -> PyTree:
    """What is trained of a model; None for the rest."""
    return eqx.filter(model, eqx.is_inexact_array)


def averaged(average: PyTree | None, model: Any, decay: float | None) -> PyTree | None:
    """The `average` after one more update, `decay` of it and the rest of the parameters of `model`; None where none is
    kept.
    """
    if average is None or decay is None:
        return None
    return jax.tree.map(lambda old, new: decay * old + (1.0 - decay) * new, average, parameters(model))


def ema_model(average: PyTree | None, model: Any) -> Any:
    """`model` with the parameters of `average`; where that is None, the model itself."""
    return model if average is None else eqx.combine(average, model)
