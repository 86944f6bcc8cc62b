"""How far a memory reaches, and what its rule stores: the same experiment over other distances."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np

from vestige.experiments.experiment import Components, Experiment
from vestige.tasks.evaluation import evaluate
from vestige.typing import Diagnostics, Key

SIZE = 64  # sequences per distance
FARTHEST = 10_000  # beyond the distance of training, no farther than this
PARTS = (1 / 16, 1 / 4, 1, 4)
SHARES = (8, 1)  # the lengths at which storage is measured: parts of the whole


def by_distance(experiment: Experiment, components: Components, model: Any, *, key: Key) -> Diagnostics:
    """The task's metric at a few distances, shorter and longer ones than the model was trained for.

    **Arguments:**

    - `experiment`, `components`: of the run.
    - `model`: trained.

    **Returns:** arrays `spans` and `metric_by_span`; nothing where the task has but one distance.
    """
    own, metric = _distance(experiment), experiment.task.metric
    found = {}
    for distance in sorted({max(1, round(own * part)) for part in PARTS if own * part <= max(own, FARTHEST)}):
        task = experiment.task.at_distance(distance)
        if task is not None:
            there = experiment.model.view(task.presented(task.build(seed=0), experiment.model.needs))
            found[distance] = float(evaluate(there, model, SIZE, key=key)[metric])
    return Diagnostics({}, _arrays("spans", "metric_by_span", found))


def storage_by_distance(experiment: Experiment, components: Components) -> Diagnostics:
    """What one update of the rule of `experiment` stores, `backward_bytes`, measured on its `components`, and that at a
    few distances: arrays `storage_spans` and `storage_bytes`, where the task has a distance."""
    if experiment.task.distance is None:
        return Diagnostics({"backward_bytes": float(temporary_bytes(experiment, components))}, {})
    own, found = _distance(experiment), {}
    for share in SHARES:
        distance = max(own // share, 2 * experiment.rule.steps_per_update)
        task = experiment.task.at_distance(distance)
        if task is not None and distance < own:
            found[distance] = temporary_bytes(dataclasses.replace(experiment, task=task))
    found[own] = temporary_bytes(experiment, components)
    return Diagnostics({"backward_bytes": float(found[own])}, _arrays("storage_spans", "storage_bytes", found))


def temporary_bytes(experiment: Experiment, components: Components | None = None) -> int:
    """What one update of the rule of `experiment` needs beside its arguments and results, in bytes; of its `components`
    where they are made already.

    The update is compiled and not run: a length that no machine could store can be requested. Data that take time to
    make, or are missing, are replaced by noise of the same shape.
    """
    built = experiment.build(seed=0, dummy=True) if components is None else components
    key = jax.random.key(0)
    batch = built.task.batch(size=experiment.batch_size, key=key)
    carry = built.rule.init(built.model, batch, key=key)
    step = eqx.filter_jit(lambda rule, model, carry, batch, key: rule.step(model, carry, batch, key=key))
    compiled = step.lower(built.rule, built.model, carry, batch, key).compile()  # pyright: ignore[reportFunctionMemberAccess]
    memory = compiled.compiled.memory_analysis()
    return int(memory.temp_size_in_bytes) if memory else 0


def _distance(experiment: Experiment) -> int:
    assert experiment.task.distance is not None
    return experiment.task.distance


def _arrays(first: str, second: str, found: dict[int, Any]) -> dict[str, np.ndarray]:
    return {
        first: np.asarray(list(found), np.float64),
        second: np.asarray(list(found.values()), np.float64),
    }
