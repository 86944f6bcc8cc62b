"""What the learned rates came to."""

import jax
import jax.numpy as jnp
import numpy as np

from vestige.experiments.contract import Findings
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.tasks.toy import Rates, ToyTask
from vestige.typing import Key

REPEATS = 8  # evaluations behind the final metrics
PICTURED = 1000  # draws behind the frequencies


def examine(task: ToyTask, model: Rates, *, size: int, key: Key) -> Findings:
    """Metrics on fresh draws, and how often each entry of the value is 1."""
    metrics = evaluate_many(task, model, size, REPEATS, key=key)
    values = task.values(model.log_rates, size=PICTURED, key=jax.random.fold_in(key, REPEATS))
    frequencies = np.asarray(jnp.mean(values, axis=0))
    return Findings(scalars(metrics), {}, task.bounds(metrics), {"frequencies": frequencies})
