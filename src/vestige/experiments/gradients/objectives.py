"""The costs by their names on the command line."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from vestige.registries import registry
from vestige.structures.specs import StructureSpec

Cost = Callable[[Any], Any]


def toys() -> dict[type[StructureSpec], Any]:
    """The first registered task with a cost for each kind of structure."""
    found: dict[type[StructureSpec], Any] = {}
    for task in registry("task").values():
        if "cost" in task.provides:
            found.setdefault(type(task.structure), task)
    return found


def _linear(structure: StructureSpec, key: Any) -> Cost:
    import jax
    import jax.numpy as jnp

    weights = jax.random.normal(key, structure.value_shape)
    return lambda value: jnp.sum(weights * value)


def _quadratic(structure: StructureSpec, key: Any) -> Cost:
    import jax

    size = math.prod(structure.value_shape)
    weights = jax.random.normal(key, (size, size)) / structure.value_shape[0]
    return lambda value: value.reshape(-1) @ weights @ value.reshape(-1)


def _toy(structure: StructureSpec, key: Any) -> Cost:
    return toys()[type(structure)].cost_function()


OBJECTIVES: Mapping[str, Callable[[StructureSpec, Any], Cost]] = {
    "linear": _linear,
    "quadratic": _quadratic,
    "toy": _toy,
}
"""From structure and key to the function; `toy` is that of a registered task with a cost, where there is one."""
