"""Which steps a rule asks about, and whether these are the ones that need a memory."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vestige.models.longterm import AbstractLongTermModel
from vestige.rules import MemUP
from vestige.rules.score_pass import score_pass
from vestige.sequences import AbstractSequence
from vestige.tasks.longterm import AbstractMemoryTask
from vestige.typing import Key

SEQUENCES = 16
DRAWN = 400  # points of the picture: of a longer sequence the largest score of each stretch


def chosen(rule: MemUP, model: AbstractLongTermModel, task: AbstractMemoryTask, *, key: Key) -> dict[str, Any]:
    """`precision`: of as many steps as the task has queries, those with the largest scores, the part that are queries,
    mean over held-out sequences. And of one of these, for a picture: `uncertainty` at the steps `uncertainty_steps`,
    the `chosen_steps` and the `query_steps`."""
    keys = jax.random.split(key, SEQUENCES)
    precisions = jax.lax.map(lambda k: _precision(rule, model, task, k), keys)
    key_sequence, key_score = jax.random.split(keys[0])
    sequence = task.held_out(key=key_sequence)
    picked = _best(rule, model, task, sequence, key_score)
    steps, scores = _scores(rule, model, sequence, task.steps, key=key_score)
    return {
        "precision": float(jnp.mean(precisions)),
        "uncertainty_steps": steps,
        "uncertainty": scores,
        "chosen_steps": np.asarray(picked),
        "query_steps": np.asarray(task.queries(sequence)),
    }


@eqx.filter_jit
def _precision(rule: MemUP, model: AbstractLongTermModel, task: AbstractMemoryTask, key: Key) -> Array:
    key_sequence, key_score = jax.random.split(key)
    sequence = task.held_out(key=key_sequence)
    picked = _best(rule, model, task, sequence, key_score)
    return jnp.mean(jnp.isin(picked, task.queries(sequence)).astype(jnp.float32))


@eqx.filter_jit
def _best(
    rule: MemUP, model: AbstractLongTermModel, task: AbstractMemoryTask, sequence: AbstractSequence, key: Key
) -> Array:
    start = jnp.zeros((), jnp.int32)
    count = task.queries(sequence).shape[0]
    return score_pass(rule.score, model, sequence, count=count, scan_chunk=rule.scan_chunk, start=start, key=key).steps


def _scores(
    rule: MemUP, model: AbstractLongTermModel, sequence: AbstractSequence, length: int, *, key: Key
) -> tuple[np.ndarray, np.ndarray]:
    """Every step's score, thinned to the largest of each of `DRAWN` stretches."""
    lead, chunk = model.detector.context - 1, rule.scan_chunk

    @eqx.filter_jit
    def look(begin: Array, state: Any) -> tuple[Any, Array]:
        window = sequence.window(begin - lead, chunk + lead)
        state, scores = rule.score(model, state, window, begin + jnp.arange(chunk, dtype=begin.dtype), lead, key=key)
        return state, jnp.where(window.known[lead:], scores, -jnp.inf)

    state = rule.score.init(model, sequence)
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
