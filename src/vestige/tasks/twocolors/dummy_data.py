"""Recordings of noise: to be timed where the game is not installed, never learned."""

import jax
import jax.numpy as jnp

from vestige.tasks.twocolors.recorded import Recorded
from vestige.tasks.twocolors.world import ACTIONS, FRAME
from vestige.typing import Key

EPISODES = 4


def noise(*, skip: int, tics: int, key: Key) -> Recorded:
    """Four episodes, each as long as one of `tics` tics with `skip` of them per step can be."""
    horizon = -(-tics // skip)
    steps = EPISODES * horizon
    key_frames, key_actions, key_rewards = jax.random.split(key, 3)
    return Recorded(
        jax.random.randint(key_frames, (steps, *FRAME), 0, 256).astype(jnp.uint8),
        jax.random.randint(key_actions, (steps,), 0, len(ACTIONS), jnp.int32),
        jax.random.randint(key_rewards, (steps,), -1, 2).astype(jnp.float32),
        jnp.arange(EPISODES, dtype=jnp.int32) * horizon,
        jnp.full(EPISODES, horizon, jnp.int32),
        horizon,
        len(ACTIONS),
    )
