"""Film of bouncing balls: the next frame is predicted (notes 5.3)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.models.families import Bernoulli
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.balls import Discs, advance, released, render
from vestige.tasks.filtering.contract import AbstractFilteringTask, over_held_out
from vestige.tasks.filtering.momentum_groups import FILMS, MomentumGroups
from vestige.tasks.filtering.next_frame import extrapolated, frame_errors, mean_per_frame, repeated
from vestige.tasks.filtering.unrolling import Filters, unroll
from vestige.typing import Key, Metrics

MOST_BALLS = 6
"""More hardly ever fit into the box without touching."""


class BouncingBalls(AbstractFilteringTask):
    """`balls` discs in a box, as `resolution`² grey values in 0..1 to be taken for probabilities of ink.

    Outcomes: all positions (x and y of each ball), then all velocities, in units of the box (10) and of the frame.

    **Metrics** on held-out films, of frames 2 to the last, each predicted by `predict` from the state before it:
    `frame_error`, the squared error summed over pixels, per frame, which is the literature's unit;
    `frame_error_pixel`, the mean over pixels. On the same frames `repeat_error` (the last frame again),
    `mean_error` (the mean image of these films) and `extrapolation_error` (2 y_t - y_{t-1} within 0..1).

    **Raises:** `ValueError` where `balls` is not in 1..6, `resolution` < 1 or `length` < 3.
    """

    balls: int = eqx.field(static=True, default=3)
    resolution: int = eqx.field(static=True, default=15)
    length: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        if not 1 <= self.balls <= MOST_BALLS:
            raise ValueError(f"BouncingBalls: balls must be in 1..{MOST_BALLS}, as many as fit, got {self.balls}")
        if self.resolution < 1 or self.length < 3:
            raise ValueError(
                f"BouncingBalls: needs resolution >= 1 and length >= 3, got {self.resolution} and {self.length}"
            )

    @property
    def steps(self) -> int:
        return self.length

    @property
    def family(self) -> Bernoulli:
        return Bernoulli(self.resolution**2, graded=True)

    @property
    def momentum_groups(self) -> MomentumGroups:
        return FILMS

    @property
    def outcomes(self) -> tuple[str, ...]:
        return tuple(
            f"{what}{axis} {ball + 1}" for what in ("", "velocity ") for ball in range(self.balls) for axis in "xy"
        )

    def sequence(self, *, key: Key) -> ArraySequence:
        def step(discs: Discs, _: None) -> tuple[Discs, Discs]:
            return advance(discs), discs

        film = jax.lax.scan(step, released(self.balls, key=key), None, self.length)[1]
        frames = jax.vmap(lambda positions: render(positions, self.resolution))(film.positions)
        flat = lambda x: x.reshape(self.length, -1)
        outcomes = jnp.concatenate([flat(film.positions), flat(film.velocities)], axis=1)
        return ArraySequence(frames, outcomes, jnp.array(self.length, jnp.int32))

    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        return self.sequence(key=jax.random.fold_in(key, row))

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        def one(sequence: ArraySequence, key: Key) -> tuple[Any, ...]:
            read_out = lambda before, seen, after, key: model.predict(after, key=key)
            predicted, frames = unroll(model, sequence, read_out, key=key), sequence.inputs
            inside = jnp.ones(self.length, bool)
            baselines = {
                "frame_error": predicted,
                "repeat_error": repeated(frames),
                "extrapolation_error": extrapolated(frames, 0.0, 1.0),
            }
            errors = {name: frame_errors(said, frames, inside) for name, said in baselines.items()}
            late = frames[1:]
            return errors, jnp.sum(late, axis=0), jnp.sum(jnp.square(late), axis=0)

        errors, total, squares = over_held_out(self, one, size=size, key=key)
        count = size * (self.length - 1)
        means, of_squares = jnp.sum(total, axis=0) / count, jnp.sum(squares, axis=0) / count
        found = mean_per_frame(errors)
        return {
            **found,
            "frame_error_pixel": found["frame_error"] / self.width,
            "mean_error": jnp.sum(of_squares - jnp.square(means)),
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A film is fixed by two frames, so nothing but pixels stands in the way of 0; chance repeats the last."""
        chance = metrics["repeat_error"]
        return {
            "frame_error": {"best": 0.0, "chance": chance},
            "frame_error_pixel": {"best": 0.0, "chance": chance / self.width},
        }

    def films(self, observations: np.ndarray) -> np.ndarray:
        """Observations (time, p) as one film of grey values, (1, time, resolution, resolution)."""
        return np.clip(observations, 0, 1).reshape(1, -1, self.resolution, self.resolution)
