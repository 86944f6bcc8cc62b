"""Updates of models that draw a latent structure."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int


class Count(NamedTuple):
    """How many updates were made."""

    done: Int[Array, ""]


def for_latent_structures(rate: float, explored: int) -> optax.GradientTransformation:
    """Scale the updates of what draws, and let exploration fall to zero.

    **Arguments:**

    - `rate`: factor for the fields that the class of the model names in `latent`.
    - `explored`: updates after which the fields that it names in `annealed` are zero; they fall linearly.

    **Returns:** a transformation of updates, to follow an optimiser.
    """

    def start(params: Any) -> Count:
        return Count(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Count]:
        for name in getattr(type(updates), "latent", ()):
            slower = jax.tree.map(lambda leaf: rate * leaf, getattr(updates, name))
            updates = eqx.tree_at(lambda model, name=name: getattr(model, name), updates, slower)
        left = jnp.maximum(explored - state.done, 1).astype(jnp.float32)  # p (1 - 1 / left) falls along a line
        for name in getattr(type(updates), "annealed", ()):
            value = getattr(params, name)
            updates = eqx.tree_at(lambda model, name=name: getattr(model, name), updates, -value / left)
        return updates, Count(state.done + 1)

    return optax.GradientTransformation(start, update)
