"""The long short-term memory cell."""

from collections.abc import Callable
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
    """Output `hidden` and cell `cell`, both of width `output_size`."""

    hidden: Float[Array, " hidden"]
    cell: Float[Array, " hidden"]


class LSTM(AbstractCell[LSTMState]):
    """LSTM with forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000), no peepholes.

    `i, f, g, o = split(W [x, h] + b + drive)`, `c' = gate(f) c + gate(i) tanh(g)`,
    `h' = sigmoid(o) tanh(c')`. Recurrent weights start orthogonal per gate, input weights uniform in
    ±1/sqrt(input), biases at 0 but for those of forget and input gate, which `retention` sets: 1 and 0 by default.

    One matrix product per step: `4 H (input + H)` multiplications. The drive has 4 H numbers, for i, f, g and o.

    **Arguments:**

    - `input_size`: width of x.
    - `output_size`: H, width of output and cell.
    - `retention`: where the biases of the gates that keep and admit start.
    - `gate`: what makes these two gates, f and i, out of their pre-activations: a sigmoid, which never quite opens or
      shuts, or `jax.nn.hard_sigmoid`, `min(max(1/2 + x/6, 0), 1)`. With that a unit keeps its cell bit for bit wherever
      f = 1 and i = 0, for a million steps as for one, and nothing leaks in; but a gate that is shut for every input has
      no gradient to open it again, so start it on its slope: `Fixed(3.0, -2.0)` keeps all and admits a sixth.
    """

    weight: Float[Array, "input_and_hidden gates"]
    bias: Float[Array, " gates"]
    gate: Callable[[Array], Array] = eqx.field(static=True)
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        retention: AbstractRetention = STANDARD,
        gate: Callable[[Array], Array] = jax.nn.sigmoid,
        key: Key,
    ):
        self.weight = jnp.concatenate(recurrent_weights(input_size, output_size, 4, key=key))
        keep, admit = retention.biases(output_size, key=jax.random.fold_in(key, 2))
        self.bias = jnp.concatenate([admit, keep, jnp.zeros(2 * output_size)])
        self.gate, self.output_size, self.drive_size = gate, output_size, 4 * output_size

    def init(self) -> LSTMState:
        return LSTMState(jnp.zeros(self.output_size), jnp.zeros(self.output_size))

    def __call__(
        self, state: LSTMState, x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[LSTMState, Float[Array, " hidden"]]:
        gates = jnp.concatenate([x, state.hidden]) @ self.weight + self.bias
        if drive is not None:
            gates = gates + drive
        i, f, g, o = jnp.split(gates, 4)
        cell = self.gate(f) * state.cell + self.gate(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return LSTMState(hidden, cell), hidden
