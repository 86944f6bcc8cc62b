"""The long short-term memory cell."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell
from vestige.cells.recurrent import recurrent_weights
from vestige.cells.retention import AbstractRetention, Fixed
from vestige.typing import Key

STANDARD = Fixed()


class LSTMState(NamedTuple):
    """Output and cell, both of width `output_size`."""

    hidden: Float[Array, " hidden"]
    cell: Float[Array, " hidden"]


class LSTM(AbstractCell[LSTMState]):
    """LSTM with forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000), no peepholes.

    `i, f, g, o = split(W [x, h] + b + drive)`, `c' = sigmoid(f) c + sigmoid(i) tanh(g)`,
    `h' = sigmoid(o) tanh(c')`. Recurrent weights start orthogonal per gate, input weights uniform in
    ±1/sqrt(input), biases at 0 but for those of forget and input gate, which `retention` sets: 1 and 0 by default.

    One matrix product per step: `4 H (input + H)` multiplications.
    """

    weight: Float[Array, "input_and_hidden gates"]
    bias: Float[Array, " gates"]
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, input_size: int, output_size: int, *, retention: AbstractRetention = STANDARD, key: Key):
        self.weight = jnp.concatenate(recurrent_weights(input_size, output_size, 4, key=key))
        keep, admit = retention.biases(output_size, key=jax.random.fold_in(key, 2))
        self.bias = jnp.concatenate([admit, keep, jnp.zeros(2 * output_size)])
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
