"""The catalogue's models under the stopwatch."""

import dataclasses
import sys
import time

import jax
import jax.numpy as jnp

from vestige.errors import UsageError
from vestige.experiments.catalogue import find
from vestige.experiments.options import MEMORIES, Recall
from vestige.models.temporal import count_parameters
from vestige.tasks import ImagePool, PerfectRecall
from vestige.training import fit
from vestige.training.measure import Cost, measure
from vestige.typing import Key


def _task(options: Recall, *, key: Key) -> PerfectRecall:
    """The experiment's task, or one on noise of the same shape where its images are not here."""
    try:
        return options.task.build()
    except UsageError:
        pixels = jax.random.randint(key, (2048, 28, 28), 0, 256).astype(jnp.uint8)
        noise = ImagePool(pixels, jnp.zeros(2048, jnp.int32))
        return PerfectRecall(noise, noise, l=options.task.l, k=options.task.k)


def measure_memories(
    experiment: str, preset: str, *, updates: int, blocks: int, seed: int
) -> dict[str, tuple[int, Cost]]:
    """Per memory: its parameters and the cost of one update of the preset's model."""
    options = find(experiment).preset(preset)
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    task = _task(options, key=key_task)
    found = {}
    for name, memory in MEMORIES.items():
        model = options.model.build(task.train.frame_shape, task.frames, memory, key=key_model)
        cost = measure(
            model,
            dataclasses.replace(model, unroll=task.frames),
            task,
            rule=options.rule.build(),
            optimiser=options.optimiser.build(options.steps),
            batch_size=options.batch,
            key=key_run,
            updates=updates,
            blocks=blocks,
        )
        found[name] = count_parameters(model), cost
    return found


def first_update(experiment: str, preset: str, *, seed: int) -> float:
    """Make the first update of a run; the wall-clock time at its end, in seconds since 1970."""
    options = find(experiment).preset(preset)
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    task = _task(options, key=key_task)
    model = options.model.build(task.train.frame_shape, task.frames, options.memory, key=key_model)
    fit(
        model,
        task,
        rule=options.rule.build(),
        optimiser=options.optimiser.build(options.steps),
        steps=1,
        batch_size=options.batch,
        key=key_run,
    )
    return time.time()


if __name__ == "__main__":
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    print(first_update(sys.argv[1], sys.argv[2], seed=int(sys.argv[3])))
