"""From the options of an experiment with a filter to what a run needs."""

import jax

from vestige.experiments.contract import Built
from vestige.experiments.filtering.options import Filtering


def build(options: Filtering, *, seed: int) -> Built:
    """Model, task, rule and optimiser."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    task = options.task.build()
    model = options.model.build(task.family, key=key_model)
    rule = options.rule.of(options.model.rule).build(options.model.fit(), chunk=options.chunk, lags=options.model.lags)
    return Built(model, task, rule, options.optimiser.build(options.steps), key_run)
