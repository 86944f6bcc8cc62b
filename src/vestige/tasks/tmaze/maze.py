"""The maze as an environment."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.tasks.longterm.draws import at_least
from vestige.typing import Key

RIGHT, WRONG = 4.0, -3.0


class MazeState(NamedTuple):
    """Where in which maze."""

    step: Int[Array, ""]
    length: Int[Array, ""]
    """Steps of this episode; the last is the junction."""
    hint: Float[Array, ""]
    """-1 or 1: action 0 or 1 is right."""


class TMaze(eqx.Module):
    """T-Maze-LNR (MemUP section 5.1): `length` to `length + jitter` steps, all equally likely, forward only.

    An observation is (hint, junction, noise): the hint, -1 or 1, at the first step and 0 elsewhere; 1 at the last step
    and 0 elsewhere; -1 or 1 at random at every step. Action 0 or 1 counts at the last step alone: 4 if it is what the
    hint said (0 for -1, 1 for 1), else -3. All other rewards are 0. Who guesses gets 0.5 on average, who remembers 4.

    Pure JAX, unbatched; the form of Gymnasium's environments, with the state passed along.

    **Raises:** `ValueError` where `length < 1` or `jitter < 0`.
    """

    length: int = eqx.field(static=True)
    jitter: int = eqx.field(static=True, default=10)

    def __check_init__(self):
        at_least(1, "TMaze", length=self.length)
        at_least(0, "TMaze", jitter=self.jitter)

    @property
    def actions(self) -> int:
        """Left and right."""
        return 2

    @property
    def horizon(self) -> int:
        """The most steps of an episode."""
        return self.length + self.jitter

    def reset(self, *, key: Key) -> tuple[MazeState, Float[Array, "3"]]:
        """A new maze, and the first observation."""
        hint = _sign(jax.random.fold_in(key, 1))
        further = jax.random.randint(jax.random.fold_in(key, 2), (), 0, self.jitter + 1, jnp.int32)
        state = MazeState(jnp.zeros((), jnp.int32), self.length + further, hint)
        return state, observed(state, noise_of(key))

    def step(
        self, state: MazeState, action: Int[Array, ""], *, key: Key
    ) -> tuple[MazeState, Float[Array, "3"], Float[Array, ""], Bool[Array, ""]]:
        """One step forward: state, observation, reward of the action, and whether it was the last."""
        done = state.step == state.length - 1
        reward = jnp.where(done, payoff(state.hint, action), 0.0)
        after = state._replace(step=state.step + 1)
        return after, observed(after, noise_of(key)), reward, done


def observed(state: MazeState, noise: Float[Array, ""]) -> Float[Array, "3"]:
    """Hint, junction and `noise` in a `state`, as one vector."""
    hint = jnp.where(state.step == 0, state.hint, 0.0)
    junction = (state.step == state.length - 1).astype(hint.dtype)
    return jnp.stack([hint, junction, noise])


def noise_of(key: Key) -> Float[Array, ""]:
    """The noise in the observation that `reset` or `step` makes with this key."""
    return _sign(jax.random.fold_in(key, 0))


def payoff(hint: Float[Array, ""], action: Int[Array, ""]) -> Float[Array, ""]:
    """What an `action` brings at the junction, where the hint was `hint`."""
    return jnp.where((hint > 0) == (action == 1), RIGHT, WRONG)


def _sign(key: Key) -> Float[Array, ""]:
    return jnp.where(jax.random.bernoulli(key), 1.0, -1.0)
