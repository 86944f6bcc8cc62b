"""From the options of an experiment with a filter to what a run needs."""

import jax

from vestige.experiments.contract import Built
from vestige.experiments.filtering.options import Filtering
from vestige.experiments.filtering.own import Own
from vestige.tasks.filtering import AbstractFilteringTask


def build(options: Filtering, *, seed: int) -> Built:
    """Model, task, rule and optimiser."""
    return assemble(options, options.task.build(), seed=seed)


def assemble(options: Filtering, task: AbstractFilteringTask, *, seed: int) -> Built:
    """What `options` ask for, on a task that is already there."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    model = options.model.build(task.family, key=key_model)
    learning = options.model.rule if isinstance(options.rule, Own) else options.rule
    rule = learning.build(options.model.fit(), chunk=options.chunk, lags=options.model.lags)
    optimiser = options.optimiser
    if isinstance(optimiser, Own):
        optimiser = options.model.optimiser(options.task.masses(task.family))
    return Built(model, task, rule, optimiser.build(options.steps), key_run)
