"""From the options of a temporal experiment to what a run needs."""

from typing import Any

import jax

from vestige.experiments.contract import Built
from vestige.experiments.temporal.options import Temporal
from vestige.tasks import AbstractFrameTask
from vestige.typing import Key


def build(options: Temporal, *, seed: int) -> Built:
    """Model, task, rule and optimiser. Loads the data."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    return assemble(options, options.task.build(), key_model=key_model, key_run=key_run)


def assemble(options: Temporal, task: AbstractFrameTask[Any], *, key_model: Key, key_run: Key) -> Built:
    """What `options` ask for, on a task that is already there."""
    model = options.model.build(task, options.memory, likelihood=options.task.likelihood(), key=key_model)
    return Built(model, task, options.rule.build(), options.optimiser.build(options.steps), key_run)
