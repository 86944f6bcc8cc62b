"""A cell: the minimal gated unit, a GRU whose two gates are one (Zhou et al. 2016)."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import vestige
from vestige.cells import AbstractCell
from vestige.cells.recurrent import recurrent_weights
from vestige.cells.specs import AbstractLayeredSpec


class MinimalGated(AbstractCell[Float[Array, " hidden"]]):
    """f = sigmoid(W x + U h + b), n = tanh(W' x + U' (f h) + b'), h <- (1 - f) h + f n."""

    from_input: Float[Array, "input gates"]
    recurrent: Float[Array, "hidden gates"]
    bias: Float[Array, " gates"]
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, input_size, output_size, *, forget_bias=3.0, key):
        self.from_input, self.recurrent = recurrent_weights(input_size, output_size, 2, key=key)
        self.bias = jnp.concatenate([jnp.full(output_size, -forget_bias), jnp.zeros(output_size)])
        self.output_size, self.drive_size = output_size, 2 * output_size

    def init(self):
        return jnp.zeros(self.output_size)

    def __call__(self, state, x, drive=None):
        outer = x @ self.from_input + self.bias
        gate, new = jnp.split(outer if drive is None else outer + drive, 2)
        of_gate, of_new = jnp.split(self.recurrent, 2, axis=1)
        gate = jax.nn.sigmoid(gate + state @ of_gate)
        new = jnp.tanh(new + (gate * state) @ of_new)
        hidden = (1 - gate) * state + gate * new
        return hidden, hidden


@dataclasses.dataclass(frozen=True)
class MinimalGatedSpec(AbstractLayeredSpec):
    """A GRU whose two gates are one."""

    forget_bias: float = 3.0
    """Minus the bias of the gate: at 3 a state keeps 95 % per step before anything is learned."""

    part: ClassVar[str] = "vestige_extra.minimal_gated:MinimalGated"

    def layer(self, inputs, *, distance, key):
        return MinimalGated(inputs, self.hidden, forget_bias=self.forget_bias, key=key)


vestige.register("cell", "minimal-gated", MinimalGatedSpec)
