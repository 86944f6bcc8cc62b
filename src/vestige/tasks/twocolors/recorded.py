"""Episodes end to end."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from vestige.models.longterm import Glimpse
from vestige.sequences import ArraySequence


class Recorded(eqx.Module):
    """What was seen, done and gained at every step of some episodes, one after the other; NumPy's arrays or JAX's.

    **Raises:** `ValueError` where an episode has no step, or more than `horizon`, or reaches beyond the last, where
    there are not as many actions and rewards as frames, or an action is none of the choices.
    """

    frames: UInt8[Any, "steps rows columns channels"]
    """Before the action."""
    actions: Int[Any, " acted"]
    rewards: Float[Any, " rewarded"]
    """Of the action."""
    begins: Int[Any, " begun"]
    """The first step of each episode."""
    lengths: Int[Any, " episodes"]
    horizon: int = eqx.field(static=True)
    """The most steps that an episode may have."""
    choices: int = eqx.field(static=True)
    """How many actions there are."""

    def __check_init__(self):
        if self.lengths.min() < 1 or self.lengths.max() > self.horizon:
            raise ValueError(
                f"Recorded: lengths must be in 1..{self.horizon} (horizon), got {self.lengths.min()} to "
                f"{self.lengths.max()}"
            )
        if self.begins.min() < 0 or (self.begins + self.lengths).max() > len(self.frames):
            raise ValueError(f"Recorded: an episode reaches beyond the {len(self.frames):,} steps that there are")
        if not len(self.frames) == len(self.actions) == len(self.rewards):
            raise ValueError(
                f"Recorded: {len(self.frames):,} frames need as many actions and rewards, got {len(self.actions):,} "
                f"and {len(self.rewards):,}"
            )
        if len(self.begins) != len(self.lengths):
            raise ValueError(
                f"Recorded: every episode has a beginning and a length, got {len(self.begins)} and {len(self.lengths)}"
            )
        if self.actions.min() < 0 or self.actions.max() >= self.choices:
            raise ValueError(
                f"Recorded: actions must be from 0 to {self.choices - 1}, got {self.actions.min()} to "
                f"{self.actions.max()}"
            )

    @property
    def episodes(self) -> int:
        """How many there are."""
        return len(self.lengths)

    def sequence(self, index: Int[Array, ""]) -> ArraySequence:
        """One episode: inputs are the frame, and as numbers the last action one-hot (zeros at the first step) and this
        step's; outcomes are rewards."""
        steps = jnp.arange(self.horizon, dtype=jnp.int32)
        length = self.lengths[index]
        where = self.begins[index] + jnp.minimum(steps, length - 1)
        now = jax.nn.one_hot(self.actions[where], self.choices)
        before = jnp.concatenate([jnp.zeros_like(now[:1]), now[:-1]])
        numbers = jnp.concatenate([before, now], axis=1)
        seen = Glimpse(self.frames[where], numbers)
        return ArraySequence(inputs=seen, outcomes=self.rewards[where], length=length)
