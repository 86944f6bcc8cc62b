"""The gated recurrent unit."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell
from vestige.cells.recurrent import recurrent_weights
from vestige.cells.retention import AbstractRetention, Fixed
from vestige.typing import Key

STANDARD = Fixed(keep=0.0)


class GRU(AbstractCell[Float[Array, " hidden"]]):
    """GRU (Cho et al. 2014), in the form whose products can be made at once.

    `z, r, a = split(W x + b + drive)`, `z', r', a' = split(U h)`; `keep = sigmoid(z + z')`,
    `n = tanh(a + sigmoid(r + r') (a' + c))`, `h' = keep h + (1 - keep) n`. Recurrent weights start orthogonal per
    gate, input weights uniform in ±1/sqrt(input).

    Two products per step: `3 H (input + H)` multiplications. The drive has 3 H numbers, for z, r and a.

    **Arguments:**

    - `input_size`: width of x.
    - `output_size`: H, width of the state, which is the output.
    - `retention`: where the bias of the keeping gate starts; 0 by default.
    """

    from_input: Float[Array, "input gates"]
    recurrent: Float[Array, "hidden gates"]
    bias: Float[Array, " gates"]
    inner_bias: Float[Array, " hidden"]
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, input_size: int, output_size: int, *, retention: AbstractRetention = STANDARD, key: Key):
        keys = jax.random.split(key, 2)
        self.from_input, self.recurrent = recurrent_weights(input_size, output_size, 3, key=keys[0])
        keep, _ = retention.biases(output_size, key=keys[1])
        self.bias = jnp.concatenate([keep, jnp.zeros(2 * output_size)])
        self.inner_bias = jnp.zeros(output_size)
        self.output_size, self.drive_size = output_size, 3 * output_size

    def init(self) -> Float[Array, " hidden"]:
        return jnp.zeros(self.output_size)

    def __call__(
        self, state: Float[Array, " hidden"], x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[Float[Array, " hidden"], Float[Array, " hidden"]]:
        outer = x @ self.from_input + self.bias
        if drive is not None:
            outer = outer + drive
        z, r, a = jnp.split(outer, 3)
        inner_z, inner_r, inner_a = jnp.split(state @ self.recurrent, 3)
        keep = jax.nn.sigmoid(z + inner_z)
        new = jnp.tanh(a + jax.nn.sigmoid(r + inner_r) * (inner_a + self.inner_bias))
        hidden = keep * state + (1.0 - keep) * new
        return hidden, hidden
