"""Gradients against finite differences."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def slopes_agree(function: Callable[..., Any], *arguments: Any, step: float = 1e-5, tolerance: float = 1e-5) -> None:
    """Along three random directions through all arguments at once. Call it with x64 enabled."""
    compiled = jax.jit(jax.value_and_grad(function, tuple(range(len(arguments)))))
    arguments = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), arguments)
    slopes = jax.tree.leaves(compiled(*arguments)[1])
    noise = np.random.default_rng(0)
    for _ in range(3):
        way = jax.tree.map(lambda leaf: noise.normal(size=leaf.shape), arguments)
        there, back = (jax.tree.map(lambda a, b, s=s: a + s * b, arguments, way) for s in (step, -step))
        expected = (float(compiled(*there)[0]) - float(compiled(*back)[0])) / (2 * step)
        found = sum(np.vdot(a, b) for a, b in zip(jax.tree.leaves(way), slopes, strict=True))
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
