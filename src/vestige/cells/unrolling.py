"""Many steps of a cell."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.cells.contract import AbstractCell, AbstractParallelCell


def unroll(
    cell: AbstractCell[Any],
    state: Any,
    xs: Float[Array, "time features"],
    drive: Float[Array, "time drive"] | None = None,
    *,
    mask: Bool[Array, " time"] | None = None,
) -> tuple[Any, Float[Array, "time hidden"]]:
    """Take all steps: at once where the cell can, else by a scan.

    Padding (`mask` False) comes last. It leaves the state as it was, and its outputs mean nothing.

    **Returns:** the state after the last step, and the outputs. Backward storage is linear in the number of steps.
    """
    if isinstance(cell, AbstractParallelCell):
        states, outputs = cell.parallel(state, xs, drive)
        if mask is None:
            return jax.tree.map(lambda leaf: leaf[-1], states), outputs
        steps = jnp.sum(mask)
        end = jax.tree.map(
            lambda all, first: jnp.where(steps > 0, all[jnp.maximum(steps - 1, 0)], first), states, state
        )
        return end, outputs

    def step(state: Any, xs: tuple[Any, ...]) -> tuple[Any, Float[Array, " hidden"]]:
        x, driven, keep = xs
        after, output = cell(state, x, driven)
        if keep is not None:
            after = jax.tree.map(lambda new, old: jnp.where(keep, new, old), after, state)
        return after, output

    return jax.lax.scan(step, state, (xs, drive, mask))
