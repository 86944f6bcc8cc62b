"""What a memory learns in the maze before anybody acts on it."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence
from vestige.tasks.longterm import AbstractLongTask
from vestige.tasks.tmaze.episodes import MazeSequence, episode
from vestige.tasks.tmaze.maze import RIGHT, WRONG, TMaze, choice_step
from vestige.typing import Key, Metrics


class MazeEpisodes(AbstractLongTask):
    """Episodes of a random policy; the reward of every step is to be predicted from memory, observation and action.

    One query, the junction at which the action counts. Metric: `mse`, the squared error there. Who remembers nothing is
    left with the variance of the reward, 12.25 (MemUP check 10).
    """

    maze: TMaze

    @property
    def steps(self) -> int:
        return self.maze.horizon

    @property
    def max_distance(self) -> int:
        return self.maze.horizon

    @property
    def tokens(self) -> None:
        return None

    @property
    def features(self) -> int:
        """Observation 3, last action 2, its reward 1, action 2."""
        return 8

    @property
    def classes(self) -> None:
        return None

    def sequence(self, *, key: Key) -> MazeSequence:
        return episode(self.maze, key=key)

    def held_out(self, *, key: Key) -> MazeSequence:
        return self.sequence(key=key)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        assert isinstance(sequence, MazeSequence)
        return choice_step(sequence.start)[None]

    def prediction_metrics(
        self, predictions: Float[Array, "queries outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        return {"mse": jnp.square(predictions[:, 0] - outcomes)}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance is the variance of a reward that is 4 or -3 with equal odds."""
        return {"mse": {"best": 0.0, "chance": ((RIGHT - WRONG) / 2) ** 2}}
