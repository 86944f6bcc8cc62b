"""Navigation in a map: a walk over cells that each show an image, given the actions."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.temporal import Bernoulli
from vestige.tasks.actions import one_hot_actions
from vestige.tasks.frames import AbstractFrameTask, Example
from vestige.tasks.images import ImagePool
from vestige.tasks.tally import Tally
from vestige.tasks.walk import STAY, new_cell_probability, random_walk, revisited
from vestige.typing import Batch, Key, Metrics

ACTIONS = STAY + 1
"""Up, right, down, left, none."""


class MapNavigation(AbstractFrameTask[ImagePool]):
    """A random walk on a `grid` x `grid` map, new in every sequence, whose cells each show an i.i.d. image.

    Each step is uniform among the moves that stay on the map; the action that led to a frame is given with it, one-hot
    of size 5: up, right, down, left, and none for the first frame (GTMM figures 13 to 15). The walk starts in the
    middle, (grid // 2, grid // 2), as in the paper's pictures, or anywhere with `random_start`. Who keeps a map knows
    the frames on cells that were visited before, and only these: the rest of a walk is new.

    Facts: `cells` (time), row * grid + column, and `actions` (time). Metrics: those of all frame tasks, and

    - `kl_revisit`, `kl_recall` by its name in this task.
    - `revisit_coherence`: the model generates all frames along the given actions; mean agreement, 1 - |difference| of
      the mean frames, of all pairs of frames at the same cell. 1 where a place always looks the same.
    - `elsewhere_coherence`: the same for pairs at different cells. Frames that are all alike agree here too, so that
      only the difference of the two says that a map is kept.

    **Cost.** Evaluation takes twice the time of a task without generation, and frames² comparisons of images.

    **Raises:** `ValueError` where `grid < 2`, or where `frames < 3`, which leaves no time to come back.
    """

    train: ImagePool
    test: ImagePool
    grid: int = eqx.field(static=True, default=4)
    frames: int = eqx.field(static=True, default=25)  # pyright: ignore[reportIncompatibleMethodOverride]
    random_start: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if self.grid < 2:
            raise ValueError(f"a walk needs a map of at least 2 x 2 cells, got grid={self.grid}")
        if self.frames < 3:
            raise ValueError(f"the first cell to be met again is that of frame 2, so frames >= 3; got {self.frames}")

    @property
    def given(self) -> int:
        """The first half of the walk."""
        return self.frames // 2

    @property
    def condition_size(self) -> int:
        """Four moves, and none."""
        return ACTIONS

    @property
    def likelihood(self) -> Bernoulli:
        """Pixels are bits."""
        return Bernoulli()

    def sequence(self, source: ImagePool, *, key: Key) -> Example:
        key_images, key_start, key_walk = jax.random.split(key, 3)
        pictures = source.draw(self.grid * self.grid, key=key_images)
        start = jnp.full((2,), self.grid // 2, jnp.int32)
        if self.random_start:
            start = jax.random.randint(key_start, (2,), 0, self.grid)
        cells, actions = random_walk(start, self.grid, self.frames, key=key_walk)
        batch = Batch(pictures[cells], condition=jax.nn.one_hot(actions, ACTIONS))
        return Example(batch, revisited(cells), {"cells": cells, "actions": actions})

    def condition(self, actions: Array) -> Float[Array, "time action"]:
        """Actions 0..4 as a model takes them. **Raises** at run time where one is outside."""
        return one_hot_actions(actions, ACTIONS)

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        generated = model.generate(self.frames, condition=example.batch.condition, key=key)
        frames = jax.vmap(model.likelihood.mean)(generated.frame_parameters)
        cells = example.facts["cells"]
        same = cells[:, None] == cells[None]
        return {
            "kl_revisit": Tally.over(kl, example.predictable),
            "revisit_coherence": agreement(frames, same),
            "elsewhere_coherence": agreement(frames, ~same),
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Known cells cost nothing at best, and what new ones cost by chance. The ideal curve is what a new cell costs
        times the probability that frame t shows one, which is exact. Coherence: 1 at best, by chance the measured
        agreement of different cells."""
        fresh = float(metrics["kl_fresh"])
        start = None if self.random_start else (self.grid // 2, self.grid // 2)
        ideal = [fresh * new for new in new_cell_probability(self.grid, self.frames, start)]
        known = {"best": 0.0, "chance": fresh}
        return {
            "kl_recall": known,
            "kl_revisit": known,
            "kl_last": {"best": ideal[-1], "chance": fresh},
            "revisit_coherence": {"best": 1.0, "chance": float(metrics["elsewhere_coherence"])},
            "curves": {"kl_per_frame": ideal},
        }


def agreement(frames: Float[Array, "time *frame"], pairs: Bool[Array, "time time"]) -> Tally:
    """1 - |difference|, mean over pixels, of the marked `pairs`, (time, time), of two `frames` at different times."""
    flat = frames.reshape(frames.shape[0], -1)
    difference = jax.vmap(lambda frame: jnp.mean(jnp.abs(flat - frame[None]), axis=1))(flat)
    return Tally.over(1.0 - difference, jnp.tril(pairs, -1))
