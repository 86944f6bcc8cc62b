"""From the options of a toy experiment to what a run needs."""

import math

import jax
import jax.numpy as jnp

from vestige.experiments.contract import Built
from vestige.experiments.toy.options import Toy
from vestige.rules import Gradient
from vestige.tasks.toy import Rates


def build(options: Toy, *, seed: int) -> Built:
    """All rates equal, and the rest."""
    key_model, key_run = jax.random.split(jax.random.key(seed))
    task = options.problem.build()
    estimator = options.estimator.build(math.prod(task.shape), key=key_model)
    model = Rates(jnp.zeros(task.shape), estimator)
    rule = Gradient(task.objective, clip=None)
    return Built(model, task, rule, options.optimiser.build(options.steps), key_run)
