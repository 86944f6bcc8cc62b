"""A scoring pass over a whole sequence finds the steps worth predicting from memory."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from vestige.models.longterm import AbstractLongTermModel
from vestige.rules.scores import AbstractScore
from vestige.rules.selection import Candidates
from vestige.sequences import AbstractSequence
from vestige.typing import Key


class _Ranked(NamedTuple):
    """Steps, their scores, and what decides among equals."""

    steps: Int[Array, " some"]
    scores: Float[Array, " some"]
    lots: UInt32[Array, " some"]


def score_pass(
    score: AbstractScore,
    model: AbstractLongTermModel,
    sequence: AbstractSequence,
    *,
    count: int,
    scan_chunk: int,
    start: Int[Array, ""],
    span: int | None = None,
    key: Key,
) -> Candidates:
    """The known steps of a sequence with the largest scores.

    Equals come in random order, which belongs to key and step: neither the earlier nor the later has the better chance,
    and the size of the windows changes nothing. Time in proportion to the length, or to `span` where a score does
    not depend on the steps before its own; memory to `scan_chunk + count`. No gradient.

    **Arguments:**

    - `score`, `model`: how steps are scored.
    - `sequence`: one.
    - `count`: how many steps are kept, static.
    - `scan_chunk`: steps read at a time, static.
    - `start`: the first step that is scored.
    - `span`: how many steps are scored from there on, static; None: all to the end.

    **Returns:** `count` candidates, best first.
    """
    lead = model.detector.context - 1
    key_score, key_lots = jax.random.split(key)
    stop = sequence.length if span is None else jnp.minimum(sequence.length, start + span)
    nothing = _Ranked(jnp.zeros(count, jnp.int32), jnp.full(count, -jnp.inf), jnp.zeros(count, jnp.uint32))

    def more(loop: tuple[Any, ...]) -> Array:
        return loop[0] < stop

    def scan(loop: tuple[Any, ...]) -> tuple[Any, ...]:
        begin, state, best = loop
        window = sequence.window(begin - lead, scan_chunk + lead)
        steps = begin + jnp.arange(scan_chunk, dtype=begin.dtype)
        state, scores = score(model, state, window, steps, lead, key=key_score)
        scores = jnp.where(window.known[lead:] & (steps >= start) & (steps < stop), scores, -jnp.inf)
        lots = jax.vmap(lambda step: jax.random.bits(jax.random.fold_in(key_lots, step), (), jnp.uint32))(steps)
        both = jax.tree.map(lambda *parts: jnp.concatenate(parts), best, _Ranked(steps, scores, lots))
        return begin + scan_chunk, state, _first(both, count)

    first = jnp.zeros((), jnp.int32) if score.from_start else (start // scan_chunk) * scan_chunk
    _, _, best = jax.lax.while_loop(more, scan, (first, score.init(model, sequence), nothing))
    return jax.lax.stop_gradient(Candidates(best.steps, best.scores))


def _first(ranked: _Ranked, count: int) -> _Ranked:
    """The best of them, best first."""
    falling, lots, steps = jax.lax.sort((-ranked.scores, ranked.lots, ranked.steps), num_keys=2)
    return _Ranked(steps[:count], -falling[:count], lots[:count])
