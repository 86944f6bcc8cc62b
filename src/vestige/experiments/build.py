"""From options to the four things a run needs."""

from typing import Any, NamedTuple

import jax

from vestige.experiments.options import Recall
from vestige.models.temporal import TemporalModel
from vestige.typing import Key


class Built(NamedTuple):
    """What a run is made of."""

    model: TemporalModel
    task: Any
    rule: Any
    optimiser: Any
    key: Key
    """For the driver; independent of the one that made the model."""


def build(options: Recall, *, seed: int) -> Built:
    """Model, task, rule and optimiser of a recall experiment. Loads the data.

    **Raises:** `UsageError` where data are missing; `ValueError` for sizes that do not fit.
    """
    key_model, key_run = jax.random.split(jax.random.key(seed))
    task = options.task.build()
    model = options.model.build(task.train.frame_shape, task.frames, options.memory, key=key_model)
    return Built(model, task, options.rule.build(), options.optimiser.build(options.steps), key_run)
