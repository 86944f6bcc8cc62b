"""What a person wants to see of a trained filter: final metrics, one sequence step by step, and what it generates."""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.tasks.contract import Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.filtering.unrolling import unroll
from vestige.typing import Key

SHOWN = 200  # steps of the sequence that is drawn
UNITS = 24  # receptive fields that are drawn
GENERATED = 60  # steps generated against time


@runtime_checkable
class RunsBackwards(Protocol):
    """A model that can be run against time, and whose units have receptive fields."""

    def sampled_backwards(
        self, state: Float[Array, " hidden"], steps: int, *, key: Key
    ) -> tuple[Float[Array, "steps hidden"], Float[Array, "steps p"]]:
        """What may have come before a state, sampled.

        **Arguments:**

        - `state`: (hidden,), the last one.
        - `steps`: how many, static.

        **Returns:** states, (steps, hidden), and mean observations, (steps, p), oldest first.
        """
        ...

    def receptive_fields(self) -> Float[Array, "units p"]:
        """The weights through which each unit sees the observation.

        **Returns:** (units, p).
        """
        ...


@runtime_checkable
class HasFilms(Protocol):
    """A task whose observations are images."""

    def films(self, observations: np.ndarray) -> np.ndarray:
        """Observations as one film.

        **Arguments:**

        - `observations`: (time, p).

        **Returns:** grey values, (1, time, height, width).
        """
        ...


FILMS = {"filter_seen": "frames", "filter_predicted": "predicted", "filter_generated": "sampled"}
"""Arrays of observations, and the names under which the report shows them as films."""


def diagnostics(task: Any, model: Any, *, size: int, key: Key) -> Evaluation:
    """Metrics on held-out sequences, one of them step by step, and where the model can, its fields and a sequence that
    it generates.

    **Arguments:**

    - `task`: an `AbstractFilteringTask`.
    - `model`: a filter.
    - `size`: held-out sequences of the evaluation.

    **Returns:** final metrics, bounds, and arrays for the report.
    """
    key_metrics, key_example, key_own = jax.random.split(key, 3)
    found = evaluate(task, model, size, key=key_metrics)
    metrics = scalars(found)
    bounds = task.bounds(metrics)
    arrays = {name: np.asarray(value) for name, value in found.items() if np.ndim(value) == 1}
    arrays |= example(task, model, key=key_example)
    if isinstance(model, RunsBackwards):
        arrays |= generated(model, arrays["filter_state"][-1], key=key_own)
    if isinstance(task, HasFilms):
        arrays |= {film: task.films(arrays[name]) for name, film in FILMS.items() if name in arrays}
    return Evaluation(metrics, {}, bounds, arrays)


def example(task: Any, model: Any, *, key: Key) -> dict[str, np.ndarray]:
    """The first held-out sequence, filtered.

    **Arguments:**

    - `task`: an `AbstractFilteringTask`.
    - `model`: a filter.

    **Returns:** by name, each with the time axis first and at most 200 steps: observations, what the model takes them
    for, what it predicts, and its states.
    """
    key_sequence, key_model = jax.random.split(key)

    def read_out(before: Any, seen: Any, after: Any, key: Key) -> dict[str, Any]:
        return {
            "filter_seen": seen,
            "filter_denoised": model.reconstruct(after),
            "filter_predicted": model.predict(before, key=key),
            "filter_state": model.features(after),
        }

    @jax.jit
    def run() -> dict[str, Any]:
        sequence = task.held_out(jnp.zeros((), jnp.int32), key=key_sequence)
        return {**unroll(model, sequence, read_out, key=key_model), "filter_truth": sequence.outcomes}

    return {name: np.asarray(value)[:SHOWN] for name, value in run().items()}


def generated(model: RunsBackwards, state: np.ndarray, *, key: Key) -> dict[str, np.ndarray]:
    """Samples of what came before a state, and the fields of the units that see the most of the observation.

    **Arguments:**

    - `model`: a filter that runs backwards.
    - `state`: (hidden,), the last one.

    **Returns:** the arrays by name.
    """
    states, observations = model.sampled_backwards(jnp.asarray(state), GENERATED, key=key)
    fields = np.asarray(model.receptive_fields())
    return {
        "filter_generated": np.asarray(observations),
        "filter_generated_state": np.asarray(states),
        "receptive_fields": fields[np.argsort(-np.abs(fields).max(axis=1))[:UNITS]],
    }
