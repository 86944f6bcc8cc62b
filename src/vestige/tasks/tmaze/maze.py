"""The maze as an environment."""

from typing import Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.tasks.longterm.draws import at_least
from vestige.tasks.tmaze.specs import CLEAR, check_distractors
from vestige.typing import Key

RIGHT, WRONG = 4.0, -3.0


class Distractors(NamedTuple):
    """Junctions that pay by chance, whatever is done there."""

    steps: Int[Array, " distractors"]
    """Where junctions are but for the last step, which is one too; ascending."""
    rewards: Float[Array, " junctions"]
    """What each junction pays by chance; that of the true one is not used."""
    place: Int[Array, ""]
    """Which junction is the true one, 0 to their number."""


class MazeState(NamedTuple):
    """Where in which maze."""

    step: Int[Array, ""]
    length: Int[Array, ""]
    """Steps of this episode; the last is the junction."""
    hint: Float[Array, ""]
    """-1 or 1: action 0 or 1 is right."""
    distractors: Distractors | None = None


class TMaze(eqx.Module):
    """T-Maze-LNR (MemUP section 5.1): `length` to `length + jitter` steps, all equally likely, forward only.

    An observation is (hint, junction, noise): the hint, -1 or 1, at the first step and 0 elsewhere; 1 at the last step
    and 0 elsewhere; -1 or 1 at random at every step. Action 0 or 1 counts at the last step alone: 4 if it is what the
    hint said (0 for -1, 1 for 1), else -3. All other rewards are 0. Who guesses gets 0.5 on average, who remembers 4.

    With `distractors`, D, as many further junctions are at different steps after the first five, evenly drawn; they pay
    4 or -3 by chance. The k-th junction of an episode shows k / (D + 1). Which one is the true one is no news to who
    acts, since the others pay the same for every action; to who predicts rewards they are noise that no memory reduces.
    (The authors' distractor variant; notes, addendum C.)

    Pure JAX, unbatched; the form of Gymnasium's environments, with the state passed along.

    **Arguments:**

    - `length`, `jitter`: fewest steps of an episode, and most further ones.
    - `distractors`: junctions that pay by chance.
    - `choice`: whether the true junction is the last or a random one of them.

    **Raises:** `ValueError` where `length < 1` or `jitter < 0`, or there are too few steps for the distractors.
    """

    length: int = eqx.field(static=True)
    jitter: int = eqx.field(static=True, default=10)
    distractors: int = eqx.field(static=True, default=0)
    choice: Literal["last", "random"] = eqx.field(static=True, default="last")

    def __check_init__(self):
        at_least(1, "TMaze", length=self.length)
        at_least(0, "TMaze", jitter=self.jitter, distractors=self.distractors)
        check_distractors(self.length, self.distractors)
        if self.choice not in ("last", "random"):
            raise ValueError(f"TMaze: choice must be last or random, got {self.choice!r}")

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
        length = self.length + further
        distractors = self._distractors(length, jax.random.fold_in(key, 3)) if self.distractors else None
        state = MazeState(jnp.zeros((), jnp.int32), length, hint, distractors)
        return state, observed(state, noise_of(key))

    def _distractors(self, length: Int[Array, ""], key: Key) -> Distractors:
        """Different steps by Floyd's algorithm: every set of them is equally likely."""
        key_steps, key_rewards, key_place = jax.random.split(key, 3)
        free, taken = length - 1 - CLEAR, jnp.full(self.distractors, -1, jnp.int32)
        for k in range(self.distractors):
            newest = free - self.distractors + k
            drawn = jax.random.randint(jax.random.fold_in(key_steps, k), (), 0, newest + 1, jnp.int32)
            taken = taken.at[k].set(jnp.where(jnp.any(taken == drawn), newest, drawn))
        lucky = jax.random.bernoulli(key_rewards, shape=(self.distractors + 1,))
        last = jnp.asarray(self.distractors, jnp.int32)
        place = last if self.choice == "last" else jax.random.randint(key_place, (), 0, self.distractors + 1, jnp.int32)
        return Distractors(jnp.sort(taken) + CLEAR, jnp.where(lucky, RIGHT, WRONG), place)

    def step(
        self, state: MazeState, action: Int[Array, ""], *, key: Key
    ) -> tuple[MazeState, Float[Array, "3"], Float[Array, ""], Bool[Array, ""]]:
        """One step forward: state, observation, reward of the action, and whether it was the last."""
        done, reward = state.step == state.length - 1, reward_of(state, action)
        after = state._replace(step=state.step + 1)
        return after, observed(after, noise_of(key)), reward, done


def observed(state: MazeState, noise: Float[Array, ""]) -> Float[Array, "3"]:
    """Hint, junction and `noise` in a `state`, as one vector."""
    hint = jnp.where(state.step == 0, state.hint, 0.0)
    place, count = junction_of(state)
    return jnp.stack([hint, ((place + 1) / count).astype(hint.dtype), noise])


def junction_of(state: MazeState) -> tuple[Int[Array, ""], int]:
    """Which junction the agent is at in this `state`, -1 where it is at none, and how many there are."""
    last, found = state.step == state.length - 1, state.distractors
    if found is None:
        return jnp.where(last, 0, -1), 1
    place = jnp.sum(found.steps < state.step)
    return jnp.where(last | jnp.any(found.steps == state.step), place, -1), len(found.steps) + 1


def reward_of(state: MazeState, action: Int[Array, ""]) -> Float[Array, ""]:
    """What an `action` brings in this `state`."""
    place, _ = junction_of(state)
    deserved = payoff(state.hint, action)
    if state.distractors is not None:
        lucky = state.distractors.rewards[jnp.maximum(place, 0)]
        deserved = jnp.where(place == state.distractors.place, deserved, lucky)
    return jnp.where(place >= 0, deserved, 0.0)


def choice_step(state: MazeState) -> Int[Array, ""]:
    """The step of the true junction in the episode of this `state`."""
    last, found = state.length - 1, state.distractors
    return last if found is None else jnp.append(found.steps, last)[found.place]


def by_chance(state: MazeState) -> Float[Array, ""]:
    """What an episode that begins in this `state` pays by chance in all, whatever is done."""
    found = state.distractors
    if found is None:
        return jnp.zeros(())
    return jnp.sum(jnp.where(jnp.arange(len(found.rewards)) == found.place, 0.0, found.rewards))


def noise_of(key: Key) -> Float[Array, ""]:
    """The noise in the observation that `reset` or `step` makes with this key."""
    return _sign(jax.random.fold_in(key, 0))


def payoff(hint: Float[Array, ""], action: Int[Array, ""]) -> Float[Array, ""]:
    """What an `action` brings at the junction, where the hint was `hint`."""
    return jnp.where((hint > 0) == (action == 1), RIGHT, WRONG)


def _sign(key: Key) -> Float[Array, ""]:
    return jnp.where(jax.random.bernoulli(key), 1.0, -1.0)
