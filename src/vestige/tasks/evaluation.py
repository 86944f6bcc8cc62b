"""Evaluation of a model by its task, compiled once per task, model and size in a process."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.tasks.contract import AbstractTask
from vestige.typing import Key, Metrics


@eqx.filter_jit
def evaluate(task: AbstractTask, model: Any, size: int, *, key: Key) -> Metrics:
    """`task.evaluate` of the `model` on `size` held-out examples, compiled."""
    return task.evaluate(model, size=size, key=key)


def evaluate_many(task: AbstractTask, model: Any, size: int, repeats: int, *, key: Key) -> Metrics:
    """The mean over `repeats` evaluations of the `model` on the `task`, of `size` examples each: more examples, no new
    compilation.
    """
    every = [evaluate(task, model, size, key=jax.random.fold_in(key, i)) for i in range(repeats)]
    return jax.tree.map(lambda *values: sum(values) / repeats, *every)


def scalars(metrics: Metrics) -> dict[str, float]:
    """The scalar entries as Python floats."""
    return {name: float(value) for name, value in metrics.items() if jnp.ndim(value) == 0}
