"""Models of which it is known what they know."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Leaky(eqx.Module):
    """Sums of what was seen, each forgetting at a rate of its own; says that all goes on as the first of them has it.

    With one rate of 0 it has no memory, and its state is the last observation.
    """

    decays: Float[Array, " rates"]
    width: int = eqx.field(static=True)

    def init(self):
        return jnp.zeros((self.decays.shape[0], self.width))

    def filter(self, state, observation):
        after = self.decays[:, None] * state + (1 - self.decays)[:, None] * observation[None]
        return jnp.where(jnp.any(jnp.isnan(observation)), state, after)

    def features(self, state):
        return state.reshape(-1)

    def reconstruct(self, state):
        return state[0]

    def predict(self, state, *, key):
        return state[0]

    def log_predictive(self, state, observation, *, key):
        return -jnp.sum(jnp.square(observation - state[0])) - jax.random.uniform(key)
