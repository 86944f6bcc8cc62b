"""The costs by their names on the command line."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vestige.experiments.gradients.structures import STRUCTURES

Cost = Callable[[Any], Any]


class Objective(NamedTuple):
    """A cost by its name on the command line."""

    structures: frozenset[str]
    build: Callable[..., Cost]
    """From structure, shape of a value and a key to the function."""


def _linear(structure: str, shape: tuple[int, ...], key: Any) -> Cost:
    import jax
    import jax.numpy as jnp

    weights = jax.random.normal(key, shape)
    return lambda value: jnp.sum(weights * value)


def _quadratic(structure: str, shape: tuple[int, ...], key: Any) -> Cost:
    import jax

    size = math.prod(shape)
    weights = jax.random.normal(key, (size, size)) / shape[0]
    return lambda value: value.reshape(-1) @ weights @ value.reshape(-1)


def _toy(structure: str, shape: tuple[int, ...], key: Any) -> Cost:
    from vestige.tasks import toy

    costs = {
        "matching": toy.matched,
        "binary-tree": toy.height,
        "arborescence": toy.fan,
        "spanning-tree": toy.elsewhere,
    }
    return costs[structure]


OBJECTIVES: Mapping[str, Objective] = {
    "linear": Objective(frozenset(STRUCTURES), _linear),
    "quadratic": Objective(frozenset(STRUCTURES), _quadratic),
    "toy": Objective(frozenset({"matching", "binary-tree", "arborescence", "spanning-tree"}), _toy),
}
