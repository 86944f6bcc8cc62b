"""Parts with weights that NumPy draws: their construction is traced and never compiled."""

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import numpy as np

Part = TypeVar("Part")


def drawn(build: Callable[[jax.Array], Part], *, seed: int = 0, scale: float = 0.3) -> Part:
    """What `build(key)` makes, every array of it replaced by normal noise: for what must hold whatever the weights are.

    To compile a constructor takes seconds, nearly all of it for its random numbers.
    """
    noise = np.random.default_rng(seed)

    def draw(leaf: Any) -> Any:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        assert np.issubdtype(leaf.dtype, np.floating), f"an array of {leaf.dtype} is not a weight"
        return jax.device_put((scale * noise.normal(size=leaf.shape)).astype(leaf.dtype))

    shapes = eqx.filter_eval_shape(build, jax.random.key(seed))
    return jax.tree.map(draw, shapes)
