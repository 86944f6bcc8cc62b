"""A small network that guesses the cost from perturbed log-rates."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Key


class Critic(eqx.Module):
    """Linear - ReLU - Linear on the flattened perturbed log-rates, beside which a context vector may stand.

    **Arguments:**

    - `keys`: how many numbers a structure's log-rates are.
    - `width`: hidden units.
    - `context`: length of the context vector; 0 for none.
    """

    hidden: eqx.nn.Linear
    out: eqx.nn.Linear
    context: int = eqx.field(static=True)

    def __init__(self, keys: int, width: int = 32, *, context: int = 0, key: Key):
        key_hidden, key_out = jax.random.split(key)
        self.hidden = eqx.nn.Linear(keys + context, width, key=key_hidden)
        self.out = eqx.nn.Linear(width, "scalar", key=key_out)
        self.context = context

    def __call__(self, perturbed: Float[Array, "*keys"], context: Any) -> Float[Array, ""]:
        x = perturbed.reshape(-1)
        if self.context:
            x = jnp.concatenate([x, context])
        return self.out(jax.nn.relu(self.hidden(x)))
