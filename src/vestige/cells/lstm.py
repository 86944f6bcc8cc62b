"""The long short-term memory cell."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell
from vestige.typing import Key


class LSTMState(NamedTuple):
    """Output and cell, both of width `output_size`."""

    hidden: Float[Array, " hidden"]
    cell: Float[Array, " hidden"]


class LSTM(AbstractCell[LSTMState]):
    """LSTM with forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000), no peepholes.

    `i, f, g, o = split(W [x, h] + b + drive)`, `c' = sigmoid(f) c + sigmoid(i) tanh(g)`,
    `h' = sigmoid(o) tanh(c')`. Recurrent weights start orthogonal per gate, input weights uniform in
    ±1/sqrt(input), biases at 0 but for the forget gate's 1.

    One matrix product per step: `4 H (input + H)` multiplications.
    """

    weight: Float[Array, "input_and_hidden gates"]
    bias: Float[Array, " gates"]
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, input_size: int, output_size: int, *, key: Key):
        key_input, key_recurrent = jax.random.split(key)
        bound = 1.0 / jnp.sqrt(input_size)
        from_input = jax.random.uniform(key_input, (input_size, 4 * output_size), minval=-bound, maxval=bound)
        orthogonal = jax.nn.initializers.orthogonal()
        recurrent = [orthogonal(k, (output_size, output_size)) for k in jax.random.split(key_recurrent, 4)]
        self.weight = jnp.concatenate([from_input, jnp.concatenate(recurrent, axis=1)])
        self.bias = jnp.zeros(4 * output_size).at[output_size : 2 * output_size].set(1.0)
        self.output_size, self.drive_size = output_size, 4 * output_size

    def init(self) -> LSTMState:
        return LSTMState(jnp.zeros(self.output_size), jnp.zeros(self.output_size))

    def __call__(
        self, state: LSTMState, x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[LSTMState, Float[Array, " hidden"]]:
        gates = jnp.concatenate([x, state.hidden]) @ self.weight + self.bias
        if drive is not None:
            gates = gates + drive
        i, f, g, o = jnp.split(gates, 4)
        cell = jax.nn.sigmoid(f) * state.cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return LSTMState(hidden, cell), hidden
