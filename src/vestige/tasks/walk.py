"""Walks on a square grid: how they are drawn, and how soon they meet something new."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from vestige.typing import Key

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Up, right, down, left, as changes of (row, column)."""
STAY = len(MOVES)
"""The action of the first frame, to which no move led."""


def random_walk(
    start: Int[Array, "2"], grid: int, frames: int, *, key: Key
) -> tuple[Int[Array, " time"], Int[Array, " time"]]:
    """A walk of `frames` cells, each step uniform among the moves that stay on the grid.

    **Arguments:**

    - `start`: row and column of the first cell.
    - `grid`: cells in each direction.
    - `frames`: static.

    **Returns:** the cells, `row * grid + column`, and the actions that led to them (`STAY` first).
    """
    moves = jnp.array(MOVES, jnp.int32)

    def step(place: Array, key: Key) -> tuple[Array, tuple[Array, Array]]:
        reached = place[None] + moves
        legal = jnp.all((reached >= 0) & (reached < grid), axis=1)
        action = jax.random.categorical(key, jnp.where(legal, 0.0, -jnp.inf)).astype(jnp.int32)
        return reached[action], (reached[action], action)

    _, (places, actions) = jax.lax.scan(step, start, jax.random.split(key, frames - 1))
    places = jnp.concatenate([start[None], places])
    first = jnp.full((1,), STAY, jnp.int32)
    return places[:, 0] * grid + places[:, 1], jnp.concatenate([first, actions])


def revisited(cells: Int[Array, " time"]) -> Bool[Array, " time"]:
    """Where a cell has been visited before."""
    same = cells[:, None] == cells[None]
    return jnp.any(jnp.tril(same, -1), axis=1)


@lru_cache
def new_cell_probability(grid: int, frames: int, start: tuple[int, int] | None) -> tuple[float, ...]:
    """How likely frame t of a random walk shows a cell for the first time, exactly.

    The sum over all cells of the probability that the cell is first hit at t. Costs `frames · grid⁶`.

    **Arguments:**

    - `grid`: cells in each direction.
    - `frames`: steps of the walk.
    - `start`: row and column of the first cell; None: a uniform one.

    **Returns:** one probability for each frame.
    """
    cells = grid * grid
    step = np.zeros((cells, cells))
    for row, column in np.ndindex(grid, grid):
        reached = [(row + down, column + right) for down, right in MOVES]
        legal = [r * grid + c for r, c in reached if 0 <= r < grid and 0 <= c < grid]
        step[row * grid + column, legal] = 1 / len(legal)
    first = np.full(cells, 1 / cells) if start is None else np.eye(cells)[start[0] * grid + start[1]]
    here = np.tile(first, (cells, 1))  # [target, cell]: walks that have not yet hit the target
    probabilities = []
    for _ in range(frames):
        probabilities.append(float(np.trace(here)))
        np.fill_diagonal(here, 0.0)
        here = here @ step
    return tuple(probabilities)
