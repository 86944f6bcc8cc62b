"""Episodes of a random policy, as sequences."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from vestige.rules.acting import seen, step_keys
from vestige.sequences import AbstractSequence, Window
from vestige.tasks.longterm.draws import steps_of
from vestige.tasks.tmaze.maze import MazeState, TMaze, noise_of, observed, reward_of
from vestige.typing import Key

ACTIONS = 2


class MazeSequence(AbstractSequence):
    """An episode in a T-maze whose actions are drawn evenly; the outcome of a step is its reward.

    Inputs are those of an agent, (time, 8): observation (hint, junction, noise), last action one-hot (zeros at the
    first step), its reward, and this step's action one-hot. Equal step for step to playing the environment with the
    same key. A few numbers say it all, and any window is made again from them: storage does not grow with the length.
    """

    start: MazeState
    length: Int[Array, ""]
    key: Key

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps, inside = steps_of(start, size, self.length)

        def action(step: Array) -> Array:
            return jax.random.randint(step_keys(self.key, step)[1], (), 0, ACTIONS, jnp.int32)

        def one(step: Array) -> tuple[Array, Array]:
            here = self.start._replace(step=step)
            observation = observed(here, noise_of(step_keys(self.key, step)[0]))
            earlier = jnp.maximum(step - 1, 0)
            last = action(earlier)
            before = jax.nn.one_hot(jnp.where(step == 0, ACTIONS, last), ACTIONS)
            gained = jnp.where(step == 0, 0.0, reward_of(here._replace(step=earlier), last))
            now = action(step)
            return seen(observation, before, gained, jax.nn.one_hot(now, ACTIONS)), reward_of(here, now)

        inputs, rewards = jax.vmap(one)(steps)
        return Window(inputs, rewards, inside, inside)


def episode(maze: TMaze, *, key: Key) -> MazeSequence:
    """The episode that is played with this key."""
    state, _ = maze.reset(key=step_keys(key, jnp.zeros((), jnp.int32))[0])
    return MazeSequence(start=state, length=state.length, key=key)
