"""What reads a text: embeddings, recurrences in either direction, dropout."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.cells import LSTM
from vestige.numerics import is_concrete
from vestige.typing import Key


class Embedding(eqx.Module):
    """A vector for each token.

    **Arguments:**

    - `tokens`: how many kinds.
    - `width`: of a vector; each number starts with variance 1.
    """

    table: Float[Array, "tokens width"]

    def __init__(self, tokens: int, width: int, *, key: Key):
        self.table = jax.random.normal(key, (tokens, width))

    def __call__(self, tokens: Int[Array, "*places"]) -> Float[Array, "*places width"]:
        return self.table[tokens]


class Recurrence(eqx.Module):
    """An LSTM over a text; what comes from the input is one product outside the scan.

    **Arguments:**

    - `input_size`, `output_size`: widths of a step's input and output.
    - `backwards`: whether it reads from the end.
    """

    drive: eqx.nn.Linear
    cell: LSTM
    backwards: bool = eqx.field(static=True, default=False)

    def __init__(self, input_size: int, output_size: int, *, backwards: bool = False, key: Key):
        key_drive, key_cell = jax.random.split(key)
        self.cell = LSTM(0, output_size, key=key_cell)
        self.drive = eqx.nn.Linear(input_size, self.cell.drive_size, use_bias=False, key=key_drive)
        self.backwards = backwards

    def __call__(
        self, inputs: Float[Array, "time features"], start: Bool[Array, " time"]
    ) -> Float[Array, "time hidden"]:
        """Read a row of one text or several.

        **Arguments:**

        - `inputs`: (time, features).
        - `start`: (time,), True where the state is set back before the step is read: in reading order the first step
            of each text and every step of padding.

        **Returns:** (time, hidden), in the order of the inputs.
        """
        driven = inputs @ self.drive.weight.T
        nothing = jnp.zeros((0,), driven.dtype)

        def step(state, given):
            drive, fresh = given
            state = jax.tree.map(lambda now: jnp.where(fresh, jnp.zeros_like(now), now), state)
            return self.cell(state, nothing, drive)

        return jax.lax.scan(step, self.cell.init(), (driven, start), reverse=self.backwards)[1]


def dropped(x: Float[Array, "*shape"], rate: float, key: Key | None) -> Float[Array, "*shape"]:
    """`x` with each number set to zero with probability `rate`, the others scaled up.

    **Arguments:**

    - `x`: of any shape.
    - `rate`: in [0, 1).
    - `key`: None: nothing is dropped, as in evaluation.
    """
    if key is None or rate == 0.0:
        return x
    kept = jax.random.bernoulli(key, 1.0 - rate, x.shape)
    return jnp.where(kept, x / (1.0 - rate), 0.0)


def affine(layer: eqx.nn.Linear, x: Float[Array, "rows inputs"]) -> Float[Array, "rows outputs"]:
    """A linear `layer` on the rows of `x`, as one product."""
    product = x @ layer.weight.T
    return product if layer.bias is None else product + layer.bias[None, :]


def maybe_split(key: Key | None, count: int) -> list[Key | None]:
    """`count` keys out of `key`, or as many times None."""
    return [None] * count if key is None else list(jax.random.split(key, count))


def check_row(owner: str, tokens: Int[Array, " time"], mask: Bool[Array, " time"], *, kinds: int) -> None:
    """Check a text where its numbers are known; in a compiled program it does nothing.

    **Arguments:**

    - `owner`: who asks, for messages.
    - `tokens`: (time,), numbers of tokens.
    - `mask`: (time,), False for padding.
    - `kinds`: how many tokens there are.

    **Raises:** `ValueError` where a token is unknown, the first position is padding, or padding stands between tokens.
    """
    if not (is_concrete(tokens) and is_concrete(mask)):
        return
    if bool(jnp.any((tokens < 0) | (tokens >= kinds))):
        raise ValueError(
            f"{owner}: tokens must lie between 0 and {kinds - 1}; got {int(tokens.min())} to {int(tokens.max())}"
        )
    if not bool(mask[0]):
        raise ValueError(f"{owner}: the first position is the root and must be there; the mask leaves it out")
    if bool(jnp.any(mask[1:] & ~mask[:-1])):
        raise ValueError(f"{owner}: padding must come after the last token; the mask has True after False")
