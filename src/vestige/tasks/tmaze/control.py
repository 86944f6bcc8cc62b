"""What an agent is to do in the maze."""

from typing import Any

import jax
import jax.numpy as jnp

from vestige.numerics import batched_map
from vestige.rules.acting import likeliest, play, step_keys
from vestige.tasks.contract import AbstractTask
from vestige.tasks.longterm.contract import EVALUATION_BATCH
from vestige.tasks.tmaze.maze import RIGHT, WRONG, TMaze, by_chance
from vestige.tasks.tmaze.memory import MazeEpisodes
from vestige.typing import Batch, Key, Metrics


class MazeControl(AbstractTask):
    """Walk through a T-maze and choose rightly.

    Batches are episodes of a random policy, to train a memory on; whoever trains a policy plays episodes of their own.

    Metrics: `reward`, the mean return of an episode in which the agent takes the action it thinks likeliest at every
    step (greedy, not sampled; not discounted), without what junctions pay by chance; `mse`, the memory's, as
    [`MazeEpisodes`][vestige.tasks.tmaze.MazeEpisodes] has it.
    """

    maze: TMaze

    @property
    def episodes(self) -> MazeEpisodes:
        """What the memory is trained on."""
        return MazeEpisodes(self.maze)

    def batch(self, *, size: int, key: Key) -> Batch:
        return self.episodes.batch(size=size, key=key)

    def evaluate(self, model: Any, *, size: int, key: Key) -> Metrics:
        """On `size` episodes for each metric, 64 at a time. `model` is an [`Agent`][vestige.models.policy.Agent], or
        does what it does."""
        key_play, key_memory = jax.random.split(key)

        def one(row: Any) -> Any:
            own = jax.random.fold_in(key_play, row)
            begun, _ = self.maze.reset(key=step_keys(own, jnp.zeros((), jnp.int32))[0])
            return jnp.sum(play(model, self.maze, likeliest, key=own).rewards) - by_chance(begun)

        rewards = batched_map(one, jnp.arange(size), at_most=EVALUATION_BATCH)
        return {"reward": jnp.mean(rewards), **self.episodes.evaluate(model, size=size, key=key_memory)}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance is what anybody gets who does not remember the hint, whatever they do."""
        return {"reward": {"best": RIGHT, "chance": (RIGHT + WRONG) / 2}, **self.episodes.bounds(metrics)}
