"""A bound on the size of a gradient."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from vestige.typing import PyTree


def clipped(grads: PyTree, clip: float | None) -> tuple[PyTree, Float[Array, ""]]:
    """The gradient `grads`, rescaled where its global norm exceeds `clip`, and the norm that it had.

    A norm that is not finite reaches the driver as it is and is not scaled to zero.
    """
    norm = optax.tree.norm(grads)
    if clip is None:
        return grads, norm
    scale = jnp.where(norm > clip, clip / norm, 1.0)
    return jax.tree.map(lambda g: g * scale, grads), norm


def check_clip(rule: str, clip: float | None) -> None:
    """Check the option `clip` of the rule that is named `rule`.

    **Raises:** `ValueError` unless it is None or positive.
    """
    if clip is not None and not clip > 0:
        raise ValueError(f"{rule}: clip must be positive or None, got {clip}")
