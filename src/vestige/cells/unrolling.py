"""Many steps of a cell."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.cells.contract import AbstractCell, AbstractParallelCell
from vestige.numerics import masked_where


def unroll(
    cell: AbstractCell[Any],
    state: Any,
    xs: Float[Array, "time features"],
    drive: Float[Array, "time drive"] | None = None,
    *,
    mask: Bool[Array, " time"] | None = None,
) -> tuple[Any, Float[Array, "time hidden"]]:
    """Take all steps: at once where the cell can, else by a scan.

    Padding (`mask` False), at the start, in the middle or at the end, leaves the state as it was, whatever it holds;
    its outputs mean nothing.

    **Arguments:**

    - `cell`: an `AbstractParallelCell` takes all steps at once.
    - `state`: that before the first step: `cell.init()`, or where an earlier call ended.
    - `xs`: (time, features), the inputs.
    - `drive`: (time, drive_size), added to the pre-activations of each step; None adds nothing.
    - `mask`: (time,), bool, False for padding; None: every step counts.

    **Returns:** the state after the last step, and the outputs, (time, output_size). Backward storage is linear in the
    number of steps.
    """
    xs, drive = masked_where(mask, (xs, drive))
    if isinstance(cell, AbstractParallelCell):
        states, outputs = cell.parallel(state, xs, drive, mask)
        return jax.tree.map(lambda leaf: leaf[-1], states), outputs

    def step(state: Any, xs: tuple[Any, ...]) -> tuple[Any, Float[Array, " hidden"]]:
        x, driven, keep = xs
        after, output = cell(state, x, driven)
        if keep is not None:
            after = jax.tree.map(lambda new, old: jnp.where(keep, new, old), after, state)
        return after, output

    return jax.lax.scan(step, state, (xs, drive, mask))
