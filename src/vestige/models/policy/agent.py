"""A memory, and a policy that acts on it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.longterm import LongTermModel
from vestige.models.policy.heads import Opinion, Policy
from vestige.typing import PyTree


class Agent(eqx.Module):
    """The policy sees the readout m_t and the memory's features of x_t, both as constants (MemUP section 3.8).

    So the memory learns from its own rule alone. `init`, `encode` and `predict` are the memory's, and an agent can be
    evaluated wherever a [`LongTermModel`][vestige.models.longterm.LongTermModel] can. Unbatched.
    """

    memory: LongTermModel
    policy: Policy

    def init(self) -> Any:
        """The state with which every episode starts."""
        return self.memory.init()

    def encode(
        self, state: Any, inputs: PyTree[Array], mask: Bool[Array, " time"] | None = None
    ) -> tuple[Any, Float[Array, "time memory"]]:
        """Follow some steps: the memory's state after them, and m_t for each."""
        return self.memory.encode(state, inputs, mask)

    def predict(self, memory: Float[Array, " memory"], inputs: PyTree[Array]) -> Float[Array, " outputs"]:
        """The memory's prediction of the step's outcome."""
        return self.memory.predict(memory, inputs)

    def decide(self, memory: Float[Array, " memory"], inputs: PyTree[Array]) -> Opinion:
        """What to do at a step. No gradient reaches the memory."""
        features = jnp.concatenate([memory, self.memory.encoder(inputs)])
        return self.policy(jax.lax.stop_gradient(features))

    @staticmethod
    def features_size(memory: LongTermModel) -> int:
        """The length of what a policy on this memory sees."""
        return memory.cell.output_size + memory.encoder.features_size
