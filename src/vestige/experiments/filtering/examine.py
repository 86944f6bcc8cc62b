"""What a trained filter came to."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vestige.experiments.contract import Findings
from vestige.models.filters import AbstractFilter
from vestige.models.harmonium import DeepHarmonium, RecurrentHarmonium, backwards
from vestige.tasks.filtering import AbstractFilteringTask, BouncingBalls, unroll
from vestige.training.evaluation import evaluate, scalars
from vestige.typing import Key

SHOWN = 200  # steps of the sequence that is drawn
UNITS = 24  # receptive fields that are drawn
GENERATED = 60  # steps made against time


def examine(task: AbstractFilteringTask, model: AbstractFilter, *, size: int, key: Key) -> Findings:
    """Metrics on held-out sequences, one of them followed step by step, receptive fields, and a sequence of its own."""
    key_metrics, key_example, key_own = jax.random.split(key, 3)
    found = evaluate(task, model, size, key=key_metrics)
    arrays = {name: np.asarray(value) for name, value in found.items() if np.ndim(value) == 1}
    arrays |= _example(task, model, key=key_example)
    if isinstance(model, RecurrentHarmonium):
        arrays |= _own(model, lambda seen: seen, model.input_weights, arrays["filter_state"][-1], key=key_own)
    if isinstance(model, DeepHarmonium):
        arrays |= _own(model.top, model.down, model.below[0].weights, arrays["filter_state"][-1], key=key_own)
    if isinstance(task, BouncingBalls):
        arrays |= _films(task, arrays)
    return Findings(scalars(found), {}, task.bounds(scalars(found)), arrays)


def _example(task: AbstractFilteringTask, model: AbstractFilter, *, key: Key) -> dict[str, np.ndarray]:
    """The first held-out sequence: what was seen, what the model takes it for, what it foretold, and its state."""
    key_sequence, key_model = jax.random.split(key)

    def read_out(before: Any, seen: Any, after: Any, key: Key) -> dict[str, Any]:
        return {
            "filter_seen": seen,
            "filter_denoised": model.reconstruct(after),
            "filter_foretold": model.predict(before, key=key),
            "filter_state": model.features(after),
        }

    @jax.jit
    def run() -> dict[str, Any]:
        sequence = task.held_out(jnp.zeros((), jnp.int32), key=key_sequence)
        return {**unroll(model, sequence, read_out, key=key_model), "filter_truth": sequence.outcomes}

    return {name: np.asarray(value)[:SHOWN] for name, value in run().items()}


def _films(task: BouncingBalls, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is seen, foretold and imagined, as one film each: (1, time, height, width)."""
    names = {"filter_seen": "frames", "filter_foretold": "foretold", "filter_imagined": "sampled"}
    shape = (1, -1, task.resolution, task.resolution)
    return {film: np.clip(arrays[name], 0, 1).reshape(shape) for name, film in names.items() if name in arrays}


def _own(
    model: RecurrentHarmonium,
    down: Callable[[jax.Array], jax.Array],
    weights: jax.Array,
    state: np.ndarray,
    *,
    key: Key,
) -> dict[str, np.ndarray]:
    """What it imagines to have come before a state (samples against time), brought `down` to what is observed; and
    the fields of the units that see the most of the observation, through `weights`."""
    states, observations = backwards(model, jnp.asarray(state), GENERATED, key=key)
    fields = np.asarray(weights.T)
    return {
        "filter_imagined": np.asarray(jax.vmap(down)(observations)),
        "filter_imagined_state": np.asarray(states),
        "receptive_fields": fields[np.argsort(-np.abs(fields).max(axis=1))[:UNITS]],
    }
