"""A label read off the last hidden layer: one more local update."""

import jax.numpy as jnp

from vestige.models.tied import Net, recognition_update
from vestige.rules.tied.proposals import Upward
from vestige.rules.tied.rows import Rows, drawn, flat
from vestige.typing import Key


def reading_update(net: Net, rows: Rows, weight: float, *, key: Key) -> Net:
    """weight · Σ ∇ log q(y | x^{n-1}) over rows with a label, in the last connection alone; x^{n-1} is sampled upward
    without a look at the label, as it will be where there is none.

    **Arguments:**

    - `net`: the pair of networks.
    - `rows`: data and labels.
    - `weight`: of the update.

    **Returns:** an ascent direction, shaped like `net`.
    """
    seen = flat(drawn(net, Upward(), rows, 1, key=key).states)
    none = jnp.zeros(rows.data.shape[0], rows.data.dtype)
    return recognition_update(net, seen, (*(none,) * (net.depth - 1), weight * rows.known.astype(none.dtype)))
