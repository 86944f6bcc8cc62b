"""Which steps a rule selects, and whether these are the ones that need a memory."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.models.longterm import AbstractLongTermModel
from vestige.rules.score_pass import score_pass
from vestige.rules.scores import AbstractScore
from vestige.sequences import AbstractSequence
from vestige.typing import Diagnostics, Key


@runtime_checkable
class EvaluatedAtQueries(Protocol):
    """A task that knows at which steps an outcome takes a memory."""

    @property
    def steps(self) -> int:
        """The most steps that a sequence has."""
        ...

    def held_out(self, *, key: Key) -> AbstractSequence:
        """One sequence to be evaluated on.

        **Returns:** the sequence, a function of the key alone.
        """
        ...

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        """The steps whose outcome takes a memory.

        **Arguments:**

        - `sequence`: of this task.

        **Returns:** (queries,), integers, as many in every sequence.
        """
        ...


SEQUENCES = 16
DRAWN = 400  # points of the picture: of a longer sequence the largest score of each stretch


class Scoring(eqx.Module):
    """How a rule scores the steps of a sequence."""

    score: AbstractScore
    scan_chunk: int = eqx.field(static=True)
    """Steps read at a time."""


def chosen_steps(scoring: Scoring, model: AbstractLongTermModel, task: Any, *, key: Key) -> Diagnostics:
    """Whether the steps that a rule selects are those that need a memory.

    **Arguments:**

    - `scoring`: how the rule scores steps.
    - `model`: that scores them.
    - `task`: nothing is returned where it does not know its queries (`EvaluatedAtQueries`).

    **Returns:** the metric `precision`: of as many steps as the task has queries, those with the largest scores, the
    part that are queries, mean over 16 held-out sequences. And of one of these, for a picture, arrays: `uncertainty` at
    the steps `uncertainty_steps`, the `chosen_steps` and the `query_steps`.
    """
    if not isinstance(task, EvaluatedAtQueries):
        return Diagnostics({}, {})
    keys = jax.random.split(key, SEQUENCES)
    precisions = jax.lax.map(lambda k: _precision(scoring, model, task, k), keys)
    key_sequence, key_score = jax.random.split(keys[0])
    sequence = task.held_out(key=key_sequence)
    picked = _best(scoring, model, task, sequence, key_score)
    steps, scores = _scores(scoring, model, sequence, task.steps, key=key_score)
    arrays = {
        "uncertainty_steps": steps,
        "uncertainty": scores,
        "chosen_steps": np.asarray(picked),
        "query_steps": np.asarray(task.queries(sequence)),
    }
    return Diagnostics({"precision": float(jnp.mean(precisions))}, arrays)


@eqx.filter_jit
def _precision(scoring: Scoring, model: AbstractLongTermModel, task: EvaluatedAtQueries, key: Key) -> Array:
    key_sequence, key_score = jax.random.split(key)
    sequence = task.held_out(key=key_sequence)
    picked = _best(scoring, model, task, sequence, key_score)
    return jnp.mean(jnp.isin(picked, task.queries(sequence)).astype(jnp.float32))


@eqx.filter_jit
def _best(
    scoring: Scoring, model: AbstractLongTermModel, task: EvaluatedAtQueries, sequence: AbstractSequence, key: Key
) -> Array:
    start = jnp.zeros((), jnp.int32)
    count = task.queries(sequence).shape[0]
    return score_pass(
        scoring.score, model, sequence, count=count, scan_chunk=scoring.scan_chunk, start=start, key=key
    ).steps


def _scores(
    scoring: Scoring, model: AbstractLongTermModel, sequence: AbstractSequence, length: int, *, key: Key
) -> tuple[np.ndarray, np.ndarray]:
    """Every step's score, thinned to the largest of each of `DRAWN` stretches."""
    lead, chunk = model.detector.context - 1, scoring.scan_chunk

    @eqx.filter_jit
    def look(begin: Array, state: Any) -> tuple[Any, Array]:
        window = sequence.window(begin - lead, chunk + lead)
        state, scores = scoring.score(model, state, window, begin + jnp.arange(chunk, dtype=begin.dtype), lead, key=key)
        return state, jnp.where(window.known[lead:], scores, -jnp.inf)

    state = scoring.score.init(model, sequence)
    stretch = -(-length // DRAWN)
    best = np.full(-(-length // stretch), -np.inf)
    where = np.zeros(len(best), np.int64)
    for begin in range(0, length, chunk):
        state, scores = look(jnp.asarray(begin, jnp.int32), state)
        for step, value in enumerate(np.asarray(scores)[: length - begin], start=begin):
            if value > best[step // stretch]:
                best[step // stretch], where[step // stretch] = value, step
    shown = np.isfinite(best)
    return where[shown], best[shown]
