"""A recurrence that only shifts: nothing to learn between the steps, nothing that vanishes."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell
from vestige.typing import Key


class SRNN(AbstractCell[Float[Array, " hidden"]]):
    """Shuffling recurrent network (Rotman and Wolf 2020, arXiv:2007.07324).

    `h' = relu(roll(h, 1) + b(x) + drive)`, `b(x) = MLP(x) ⊙ sigmoid(W x)`. The shift is a permutation of the vector's
    elements: without input, `hidden` steps return a state that is nowhere negative, and its norm never changes.

    All that is learned depends on x alone. Per step: the MLP's products, `width (input + width + hidden)`.

    **Arguments:**

    - `input_size`: width of x.
    - `output_size`: `hidden`, width of the state, which is the output, and of the drive.
    - `width`: units of the MLP's two hidden layers.
    """

    features: eqx.nn.MLP
    gate: eqx.nn.Linear
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, input_size: int, output_size: int, *, width: int = 64, key: Key):
        keys = jax.random.split(key, 2)
        self.features = eqx.nn.MLP(input_size, output_size, width, 2, key=keys[0])
        self.gate = eqx.nn.Linear(input_size, output_size, key=keys[1])
        self.output_size, self.drive_size = output_size, output_size

    def init(self) -> Float[Array, " hidden"]:
        return jnp.zeros(self.output_size)

    def __call__(
        self, state: Float[Array, " hidden"], x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[Float[Array, " hidden"], Float[Array, " hidden"]]:
        admitted = self.features(x) * jax.nn.sigmoid(self.gate(x))
        if drive is not None:
            admitted = admitted + drive
        hidden = jax.nn.relu(jnp.roll(state, 1) + admitted)
        return hidden, hidden
