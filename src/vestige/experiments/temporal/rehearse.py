"""Temporal models for the stopwatch, where images matter only by their shape."""

import jax

from vestige.experiments.contract import Built
from vestige.experiments.temporal.build import assemble
from vestige.experiments.temporal.options import Temporal


def rehearse(options: Temporal, *, seed: int) -> Built:
    """What a run is made of, on the experiment's images or on noise."""
    key_task, key_model, key_run = jax.random.split(jax.random.key(seed), 3)
    return assemble(options, options.task.rehearse(key=key_task), key_model=key_model, key_run=key_run)
