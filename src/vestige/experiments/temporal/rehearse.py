"""Temporal models for the stopwatch, where images matter only by their shape."""

import dataclasses
from collections.abc import Iterator

import jax

from vestige.experiments.abilities import Rival
from vestige.experiments.contract import Built
from vestige.experiments.temporal.build import assemble
from vestige.experiments.temporal.memories import MEMORIES
from vestige.experiments.temporal.options import Temporal


def rehearse(options: Temporal, *, seed: int) -> Built:
    """What a run is made of, on the experiment's images or on noise."""
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    return assemble(options, options.task.rehearse(key=key_task), key_model=key_model, key_run=key_run)


def rivals(options: Temporal, *, seed: int) -> Iterator[Rival]:
    """The same model with every memory, all on one task."""
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    task = options.task.rehearse(key=key_task)
    for name, memory in MEMORIES.items():
        built = assemble(dataclasses.replace(options, memory=memory), task, key_model=key_model, key_run=key_run)
        yield Rival(name, built, dataclasses.replace(built.model, unroll=task.frames))
