"""How the matrices of gated cells start."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Key


def recurrent_weights(
    input_size: int, output_size: int, gates: int, *, key: Key
) -> tuple[Float[Array, "input gates"], Float[Array, "hidden gates"]]:
    """Initial weights of a gated cell: from the input, uniform in ±1/sqrt(input); from the state, orthogonal for each
    gate.

    **Arguments:**

    - `input_size`, `output_size`: widths of x and of the state.
    - `gates`: how many gates share the product.

    **Returns:** (input_size, gates * output_size) and (output_size, gates * output_size), gate after gate.
    """
    key_input, key_recurrent = jax.random.split(key)
    bound = 1.0 / jnp.sqrt(input_size)
    from_input = jax.random.uniform(key_input, (input_size, gates * output_size), minval=-bound, maxval=bound)
    orthogonal = jax.nn.initializers.orthogonal()
    recurrent = [orthogonal(k, (output_size, output_size)) for k in jax.random.split(key_recurrent, gates)]
    return from_input, jnp.concatenate(recurrent, axis=1)
