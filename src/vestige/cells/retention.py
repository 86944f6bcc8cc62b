"""How long a gated cell remembers before it has learned anything."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Key


class AbstractRetention(eqx.Module):
    """Where the biases of the gates that keep and that admit start.

    A gate of bias b keeps sigmoid(b) of the state per step: half of it at 0, so that after twenty steps nothing is
    left for any rule to build on.
    """

    @abc.abstractmethod
    def biases(self, size: int, *, key: Key) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
        """Initial biases of the gates of a layer.

        **Arguments:**

        - `size`: units of the layer.
        - `key`: for retentions that draw their biases.

        **Returns:** `(keep, admit)`, each (size,): the biases of the forget gate and of the input gate, before the
        gate's nonlinearity.
        """


class Fixed(AbstractRetention):
    """The same for every unit: `Fixed(3.0, -3.0)` keeps 95 % per step and admits 5 %.

    **Arguments:**

    - `keep`, `admit`: biases of the forget gate and of the input gate.
    """

    keep: float = eqx.field(static=True, default=1.0)
    admit: float = eqx.field(static=True, default=0.0)

    def biases(self, size: int, *, key: Key) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
        return jnp.full(size, self.keep), jnp.full(size, self.admit)


class Chrono(AbstractRetention):
    """Times from 1 to `longest` steps, log of a uniform draw: `keep = log U(1, longest - 1)`, `admit = -keep`.

    Tallec and Ollivier 2018 (arXiv:1804.11188), equation 16.

    **Arguments:**

    - `longest`: steps; choose the distance to be bridged.

    **Raises:** `ValueError` where `longest <= 2`.
    """

    longest: float = eqx.field(static=True)

    def __check_init__(self):
        if not self.longest > 2:
            raise ValueError(f"Chrono: longest must be more than 2 steps, got {self.longest}")

    def biases(self, size: int, *, key: Key) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
        keep = jnp.log(jax.random.uniform(key, (size,), minval=1.0, maxval=self.longest - 1.0))
        return keep, -keep
