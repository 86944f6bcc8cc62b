"""Episodes of an agent in an environment."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.policy import Opinion
from vestige.typing import Key


@runtime_checkable
class Acts(Protocol):
    """A model that can act in an environment; an [`Agent`][vestige.models.policy.Agent] can."""

    def init(self) -> Any:
        """The state before the first step.

        **Returns:** a pytree of arrays.
        """
        ...

    def encode(
        self, state: Any, inputs: Float[Array, "time features"], mask: Bool[Array, " time"] | None = None
    ) -> tuple[Any, Float[Array, "time memory"]]:
        """Let the memory read some steps.

        **Arguments:**

        - `state`: that before the first of them.
        - `inputs`: (time, features), what is locally available at each, see `seen`.
        - `mask`: (time,), bool, False for padding, which comes last; None: every step counts.

        **Returns:** the state after the last step that counts, and the readouts m_t, (time, memory).
        """
        ...

    def decide(self, memory: Float[Array, " memory"], inputs: Float[Array, " features"]) -> Opinion:
        """What to do at a step.

        **Arguments:**

        - `memory`: (memory,), the readout of that step.
        - `inputs`: (features,), what is locally available there.

        **Returns:** the logits of the actions, and what the critic expects.
        """
        ...


@runtime_checkable
class Environment(Protocol):
    """A world with numbered actions whose episodes end. Pure JAX, unbatched, and itself a pytree."""

    @property
    def actions(self) -> int:
        """How many there are."""
        ...

    @property
    def horizon(self) -> int:
        """The most steps that an episode has."""
        ...

    def reset(self, *, key: Key) -> tuple[Any, Float[Array, " observation"]]:
        """Begin an episode.

        **Returns:** its state, and the first observation, (observation,).
        """
        ...

    def step(
        self, state: Any, action: Int[Array, ""], *, key: Key
    ) -> tuple[Any, Float[Array, " observation"], Float[Array, ""], Bool[Array, ""]]:
        """Take one action.

        After the end it may be called on, and what it returns is ignored; it must be finite.

        **Arguments:**

        - `state`: that after the step before.
        - `action`: an integer, 0 to `actions - 1`.

        **Returns:** the state and the observation after it, its reward, and whether the episode is over.
        """
        ...


Decision = Callable[[Float[Array, " actions"], Key], Int[Array, ""]]
"""From logits and a key to an action."""


class Played(NamedTuple):
    """One episode, padded with zeros to the horizon."""

    inputs: Float[Array, "time features"]
    """What a memory is given, see `seen`."""
    readouts: Float[Array, "time memory"]
    actions: Int[Array, " time"]
    logs: Float[Array, " time"]
    """ln of the probabilities of these actions."""
    values: Float[Array, " time"]
    """What the critic expected."""
    rewards: Float[Array, " time"]
    mask: Bool[Array, " time"]
    """True up to the last step of the episode."""


def play(agent: Acts, environment: Environment, decide: Decision, *, key: Key) -> Played:
    """One episode of at most `horizon` steps. No gradient.

    Costs `horizon` steps of memory, policy and environment; what is not used of the result takes no memory.
    Step k draws from `step_keys(key, k)` and nothing else.

    **Arguments:**

    - `agent`: memory, policy and critic.
    - `environment`: where it acts.
    - `decide`: from logits and a key to an action: `sampled`, `likeliest`, `uniform`.

    **Returns:** the episode, padded to the horizon.
    """
    state, observation = environment.reset(key=step_keys(key, jnp.zeros((), jnp.int32))[0])
    nothing = jnp.zeros(environment.actions)
    first = (state, observation, agent.init(), nothing, jnp.zeros(()), jnp.array(True))

    def step(carry: tuple[Any, ...], k: Array) -> tuple[tuple[Any, ...], Played]:
        state, observation, memory, before, reward, alive = carry
        known = seen(observation, before, reward, nothing)
        memory, readouts = agent.encode(memory, known[None])
        opinion = agent.decide(readouts[0], known)
        action = decide(opinion.logits, step_keys(key, k)[1])
        chosen = jax.nn.one_hot(action, environment.actions)
        log = jax.nn.log_softmax(opinion.logits)[action]
        done_to = environment.step(state, action, key=step_keys(key, k + 1)[0])
        after, next_observation, gained, done = done_to
        happened = Played(
            seen(observation, before, reward, chosen), readouts[0], action, log, opinion.value, gained, alive
        )
        happened = jax.tree.map(lambda leaf: jnp.where(alive, leaf, jnp.zeros_like(leaf)), happened)
        return (after, next_observation, memory, chosen, gained, alive & ~done), happened

    _, played = jax.lax.scan(step, first, jnp.arange(environment.horizon, dtype=jnp.int32))
    return jax.lax.stop_gradient(played)


def seen(
    observation: Float[Array, " observation"],
    before: Float[Array, " actions"],
    reward: Float[Array, ""],
    action: Float[Array, " actions"],
) -> Float[Array, " features"]:
    """What is locally available at a step, as one vector.

    A memory must read all but the last `actions` numbers, which belong to the question what the action will bring: see
    [`Columns`][vestige.models.longterm.Columns].

    **Arguments:**

    - `observation`: (observation,).
    - `before`: (actions,), the last action, one-hot; zeros before the first.
    - `reward`: what that action brought.
    - `action`: (actions,), the action taken here, one-hot; zeros where there is none yet.

    **Returns:** the four in this order, (observation + 2 actions + 1,).
    """
    return jnp.concatenate([observation, before, reward[None], action])


def step_keys(key: Key, k: Int[Array, ""]) -> tuple[Key, Key]:
    """The keys of step `k` of an episode: of what is observed there, and of what is done."""
    world, act = jax.random.split(jax.random.fold_in(key, k))
    return world, act


def sampled(logits: Float[Array, " actions"], key: Key) -> Int[Array, ""]:
    """An action drawn from the policy."""
    return jax.random.categorical(key, logits).astype(jnp.int32)


def likeliest(logits: Float[Array, " actions"], key: Key) -> Int[Array, ""]:
    """The action that the policy thinks best."""
    return jnp.argmax(logits).astype(jnp.int32)


def uniform(logits: Float[Array, " actions"], key: Key) -> Int[Array, ""]:
    """Any action, whatever the policy says."""
    return jax.random.randint(key, (), 0, logits.shape[0], jnp.int32)
