"""Recall models for the stopwatch, where images matter only by their shape."""

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp

from vestige.errors import UsageError
from vestige.experiments.abilities import Rival
from vestige.experiments.contract import Built
from vestige.experiments.recall.build import assemble
from vestige.experiments.recall.memories import MEMORIES
from vestige.experiments.recall.options import Recall
from vestige.tasks import ImagePool, PerfectRecall
from vestige.typing import Key


def _task(options: Recall, *, key: Key) -> PerfectRecall:
    """The experiment's task, or one on noise of the same shape where its images are not here."""
    try:
        return options.task.build()
    except UsageError:
        pixels = jax.random.randint(key, (2048, 28, 28), 0, 256).astype(jnp.uint8)
        noise = ImagePool(pixels, jnp.zeros(2048, jnp.int32))
        return PerfectRecall(noise, noise, l=options.task.l, k=options.task.k)


def rehearse(options: Recall, *, seed: int) -> Built:
    """What a run is made of, on the experiment's images or on noise."""
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    return assemble(options, _task(options, key=key_task), key_model=key_model, key_run=key_run)


def rivals(options: Recall, *, seed: int) -> Iterator[Rival]:
    """The same model with every memory, all on one task."""
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    task = _task(options, key=key_task)
    for name, memory in MEMORIES.items():
        built = assemble(dataclasses.replace(options, memory=memory), task, key_model=key_model, key_run=key_run)
        yield Rival(name, built, dataclasses.replace(built.model, unroll=task.frames))
