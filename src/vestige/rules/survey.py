"""One look over a whole sequence, to find the steps worth asking about."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from vestige.models.longterm import LongTermModel
from vestige.rules.scores import AbstractScore
from vestige.rules.selection import Candidates
from vestige.sequences import AbstractSequence
from vestige.typing import Key


def survey(
    score: AbstractScore,
    model: LongTermModel,
    sequence: AbstractSequence,
    *,
    count: int,
    chunk: int,
    start: Int[Array, ""],
    key: Key,
) -> Candidates:
    """The `count` known steps from `start` on with the largest scores, read in windows of `chunk` steps.

    Time in proportion to the length, memory to `chunk + count`. A score that carries a state reads from the first
    step on whatever `start` is. No gradient.
    """
    lead = model.detector.context - 1
    nothing = Candidates(jnp.zeros(count, jnp.int32), jnp.full(count, -jnp.inf))

    def more(loop: tuple[Any, ...]) -> Array:
        return loop[0] < sequence.length

    def look(loop: tuple[Any, ...]) -> tuple[Any, ...]:
        begin, state, best = loop
        window = sequence.window(begin - lead, chunk + lead)
        state, scores = score(model, state, window, lead, key=jax.random.fold_in(key, begin))
        steps = begin + jnp.arange(chunk, dtype=begin.dtype)
        scores = jnp.where(window.known[lead:] & (steps >= start), scores, -jnp.inf)
        values, index = jax.lax.top_k(jnp.concatenate([best.scores, scores]), count)
        return begin + chunk, state, Candidates(jnp.concatenate([best.steps, steps])[index], values)

    state = score.init(model)
    first = jnp.zeros((), jnp.int32) if state is not None else (start // chunk) * chunk
    _, _, best = jax.lax.while_loop(more, look, (first, state, nothing))
    return jax.lax.stop_gradient(best)
