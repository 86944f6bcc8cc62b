"""Turning on the spot in a room that is new in every sequence."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.temporal import Gaussian
from vestige.numerics import batched_map
from vestige.tasks.actions import one_hot_actions
from vestige.tasks.frames import AbstractFrameTask, Example
from vestige.tasks.rooms.layout import draw_room
from vestige.tasks.rooms.raycast import FIELD_OF_VIEW, column_angles, render
from vestige.tasks.rooms.turning import AbstractTurning, Revolution
from vestige.tasks.source import AbstractSource
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics

NEAR = 2 * math.pi / 10  # farther than the nearest view of an earlier turn
SIMULATED = 2048  # turns behind the ideal curve


class Rooms(AbstractSource):
    """Endlessly many rooms, seen in frames of (resolution, resolution, 3). Streams have no room in common."""

    stream: Int[Array, ""]
    resolution: int = eqx.field(static=True)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(height, width, RGB)."""
        return self.resolution, self.resolution, 3

    @property
    def size(self) -> None:
        """There is no end of them."""
        return None

    def first(self, count: int | None) -> "Rooms":
        return self

    def views(self, headings: Float[Array, " time"], *, key: Key) -> Float[Array, "time height width 3"]:
        """One room of this stream at these headings, in [0, 1]."""
        room = draw_room(key=jax.random.fold_in(key, self.stream))
        return render(room, headings, height=self.resolution, width=self.resolution)


class RoomRotation(AbstractFrameTask[Rooms]):
    """Colour frames of a random room in which the agent turns on the spot (GTMM section 5, figures 16 and 17).

    Our own rooms stand in for the paper's, which were never published: walls with paintings under a sky with a
    skyline, drawn as they are needed. Nothing is known about a room before it was seen; a frame is marked as
    predictable where the azimuth of each of its columns lay within the field of view of an earlier frame. With the
    default turning of about 15 frames that is so from frame 12 or 13 on.

    Frames are not binary: train with the `Gaussian` likelihood.

    Facts: `headings` (time), and `actions` (time) where the turning has any. Metrics: those of all frame tasks, and

    - `blend_recall`: what the pixels of a predictable frame cost who shows the best blend of the two stored views whose
      headings are nearest to its own on either side; how much of each it takes from the frame itself. Beside
      `negative_bound_recall`.
    - `turn_agreement`: the model generates all frames, none given; of those whose view came before, 1 - E[squared
      distance to the best blend of the two nearest earlier views] / E[the same with views of the opposite heading].
      1 where the room stays as it was, 0 where a view is as far from itself as from any other. Where no actions say
      the headings, the period is the one at which a sequence agrees best.
    - `turn_agreement_data`: the same of the true views.

    **Arguments:**

    - `resolution`: frames are (resolution, resolution, 3).
    - `frames`: length of a sequence.
    - `turning`: `Revolution()` (default, a period of 14.5 to 15.5 frames), `Revolution(15.0, 15.0)` for a fixed one,
      or `RandomTurns()`, whose actions are given to the model.
    - `sigma`: standard deviation of a pixel about its mean, for the likelihood of a frame.

    **Raises:** `ValueError` where `resolution < 2` or `frames < 2`.
    """

    train: Rooms
    test: Rooms
    turning: AbstractTurning
    sigma: float = eqx.field(static=True)
    frames: int = eqx.field(static=True, default=30)  # pyright: ignore[reportIncompatibleMethodOverride]

    def __init__(
        self, resolution: int = 16, frames: int = 30, *, turning: AbstractTurning | None = None, sigma: float = 0.1
    ):
        if resolution < 2:
            raise ValueError(f"a frame is at least 2 x 2 pixels, got resolution={resolution}")
        self.train, self.test = (Rooms(jnp.array(stream, jnp.int32), resolution) for stream in (0, 1))
        self.turning = Revolution() if turning is None else turning
        self.sigma = sigma
        self.frames = frames  # pyright: ignore[reportIncompatibleMethodOverride]

    @property
    def likelihood(self) -> Gaussian:
        """Normal pixels."""
        return Gaussian(self.sigma)

    @property
    def given(self) -> int:
        """The first half, about one turn."""
        return self.frames // 2

    @property
    def condition_size(self) -> int:
        """As the turning has actions."""
        return self.turning.actions

    def sequence(self, source: Rooms, *, key: Key) -> Example:
        key_room, key_turn = jax.random.split(key)
        headings, actions = self.turning.headings(self.frames, key=key_turn)
        frames = source.views(headings, key=key_room)
        seen = covered(headings, source.resolution)
        if actions is None:
            return Example(Batch(frames), seen, {"headings": headings})
        condition = jax.nn.one_hot(actions, self.condition_size)
        return Example(Batch(frames, condition=condition), seen, {"headings": headings, "actions": actions})

    def condition(self, actions: Int[Array, " time"]) -> Float[Array, "time action"]:
        """Actions as a model takes them. **Raises** at run time where one is not the turning's."""
        return one_hot_actions(actions, self.condition_size)

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        frames = example.batch.inputs
        headings = example.facts["headings"]
        cost = lambda view, frame: -self.likelihood.log_prob(view, frame)
        blends, there = blended(frames, headings, headings)
        generated = model.generate(self.frames, condition=example.batch.condition, key=key)
        views = jax.vmap(model.likelihood.mean)(generated.frame_parameters)
        return {
            "blend_recall": Tally.over(jax.vmap(cost)(blends, frames), example.predictable & there),
            "turn_agreement": agreement_of_turns(views, self.turning.possible(headings)),
            "turn_agreement_data": agreement_of_turns(frames, headings[None]),
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A view that was seen costs nothing at best, and by chance what a new one costs. The ideal curve is what a
        new view costs on average times how often frame t shows one, simulated once; a view that overlaps earlier
        ones may cost less than that, and the first one more. Turns agree as true ones do at best."""
        fresh = float(metrics["kl_fresh"])
        ideal = [fresh * float(new) for new in self._new_views()]
        true = float(metrics.get("turn_agreement_data", math.nan))
        turns = {} if math.isnan(true) else {"turn_agreement": {"best": true, "chance": 0.0}}  # NaN: less than a turn
        return {
            "kl_recall": {"best": 0.0, "chance": fresh},
            "kl_last": {"best": ideal[-1], "chance": fresh},
            **turns,
            "curves": {"kl_per_frame": ideal},
        }

    def _new_views(self) -> Float[Array, " time"]:
        """How often each frame is not predictable, with keys of its own: the same for every run and seed."""

        def new(key: Key) -> Array:
            headings = self.turning.headings(self.frames, key=key)[0]
            return ~covered(headings, self.train.resolution)

        keys = jax.random.split(jax.random.key(0), SIMULATED)
        return jnp.mean(batched_map(new, keys, at_most=64).astype(jnp.float32), axis=0)


def blended(
    frames: Float[Array, "time *frame"], headings: Float[Array, " time"], sought: Float[Array, " time"]
) -> tuple[Float[Array, "time *frame"], Bool[Array, " time"]]:
    """For each frame the best blend, in squared distance, of the two earlier ones whose headings are nearest on either
    side of the one that is `sought`.

    **Arguments:**

    - `frames`: (time, …).
    - `headings`: (time,), of the frames, in radians.
    - `sought`: (time,), a heading for each frame: its own, or another to compare with.

    **Returns:** the blends, and whether there are two such frames within 36°. Where there are not, its own frame.
    """
    flat = frames.reshape(frames.shape[0], -1)
    earlier = jnp.tril(jnp.ones((frames.shape[0],) * 2, bool), -1)
    off = (headings[None, :] - sought[:, None] + jnp.pi) % (2 * jnp.pi) - jnp.pi
    # of several views of one heading, which lie on both sides whatever rounding says, the latest is taken on both
    number = jnp.arange(frames.shape[0], dtype=off.dtype)
    apart = jnp.abs(off) + 1e-4 * (number[:, None] - number[None, :])
    left = jnp.where(earlier & (off >= -1e-3), apart, jnp.inf)
    right = jnp.where(earlier & (off <= 1e-3), apart, jnp.inf)
    there = (jnp.min(left, axis=1) < NEAR) & (jnp.min(right, axis=1) < NEAR)

    def one(frame: Array, at_left: Array, at_right: Array) -> Array:
        first, step = flat[at_left], flat[at_right] - flat[at_left]
        part = jnp.sum((frame - first) * step) / jnp.maximum(jnp.sum(step**2), 1e-9)
        return first + jnp.clip(part, 0.0, 1.0) * step

    blends = jax.vmap(one)(flat, jnp.argmin(left, axis=1), jnp.argmin(right, axis=1))
    return jnp.where(there[:, None], blends, flat).reshape(frames.shape), there


def agreement_of_turns(frames: Float[Array, "time *frame"], possible: Float[Array, "ways time"]) -> Tally:
    """1 - E[squared distance to the best blend of the nearest earlier views] / E[the same at the opposite heading, to a
    step], over frames that have both.

    **Arguments:**

    - `frames`: (time, …), of one sequence.
    - `possible`: (ways, time), headings at which they may be, of which consecutive ones are a step apart; those at
      which the frames agree best count.
    """

    def one(headings: Array) -> tuple[Array, Array]:
        step = jnp.abs(headings[1] - headings[0])
        away = jnp.round(jnp.pi / step) * step  # whole steps: as near to earlier headings as a frame's own is
        same, here = blended(frames, headings, headings)
        opposite, there = blended(frames, headings, headings + away)
        axes = tuple(range(1, frames.ndim))
        both = here & there
        near = jnp.sum(jnp.where(both, jnp.sum((frames - same) ** 2, axis=axes), 0.0))
        far = jnp.sum(jnp.where(both, jnp.sum((frames - opposite) ** 2, axis=axes), 0.0))
        return near, far

    near, far = jax.vmap(one)(possible)
    best = jnp.argmin(near / jnp.maximum(far, 1e-9))
    return Tally(far[best] - near[best], far[best])


def covered(headings: Float[Array, " time"], width: int) -> Bool[Array, " time"]:
    """Whether all azimuths at which the `width` columns of a frame look lay within an earlier frame's field of view;
    `headings` are those of the frames, in radians.
    """
    angles = column_angles(headings, width)[:, :, None] - headings[None, None]
    off = jnp.abs((angles + jnp.pi) % (2 * jnp.pi) - jnp.pi)
    earlier = jnp.tril(jnp.ones((headings.shape[0],) * 2, bool), -1)
    return jnp.all(jnp.any((off <= FIELD_OF_VIEW / 2) & earlier[:, None], axis=2), axis=1)
