"""From the options of a recall experiment to what a run needs."""

import jax

from vestige.experiments.contract import Built
from vestige.experiments.recall.options import Recall
from vestige.tasks import PerfectRecall
from vestige.typing import Key


def build(options: Recall, *, seed: int) -> Built:
    """Model, task, rule and optimiser. Loads the data."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    return assemble(options, options.task.build(), key_model=key_model, key_run=key_run)


def assemble(options: Recall, task: PerfectRecall, *, key_model: Key, key_run: Key) -> Built:
    """What `options` ask for, on a task that is already there."""
    model = options.model.build(task.train.frame_shape, task.frames, options.memory, key=key_model)
    return Built(model, task, options.rule.build(), options.optimiser.build(options.steps), key_run)
