"""Scoring passes of the slots that need one."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from vestige.models.longterm import AbstractLongTermModel
from vestige.rules.score_pass import score_pass
from vestige.rules.scores import AbstractScore
from vestige.rules.selection import Candidates
from vestige.rules.slots import Slots
from vestige.typing import Key

TOGETHER = 8
"""Slots scored at a time where few need it."""


def no_candidates(rows: int, count: int) -> Candidates:
    """Places for `count` steps in each of `rows` slots, empty."""
    return Candidates(jnp.zeros((rows, count), jnp.int32), jnp.full((rows, count), -jnp.inf))


def scored(
    score: AbstractScore,
    model: AbstractLongTermModel,
    candidates: Candidates,
    slots: Slots,
    *,
    wanted: Bool[Array, " batch"],
    count: int,
    scan_chunk: int,
    span: int | None = None,
    key: Key,
) -> Candidates:
    """Score the sequences of some slots anew, from their offset on; the other slots keep their candidates.

    More than a quarter of the batch is scored all at once; fewer slots eight at a time, in time and memory in
    proportion to their number, rounded up to eight.

    **Arguments:**

    - `score`, `model`: how steps are scored.
    - `candidates`: those of all slots, batch first.
    - `slots`: the sequences under way.
    - `wanted`: (batch,), bool, which slots are scored.
    - `count`: candidates of a slot, static.
    - `scan_chunk`: steps read at a time, static.
    - `span`: how many steps of each are scored, static; None: all to the end.

    **Returns:** the candidates of all slots.
    """

    def scan(row: Array) -> Candidates:
        sequence, start = jax.tree.map(lambda leaf: leaf[row], (slots.sequence, slots.offset))
        own = jax.random.fold_in(key, row)
        sizes = {"count": count, "scan_chunk": scan_chunk, "span": span}
        return score_pass(score, model, sequence, start=start, key=own, **sizes)

    rows = wanted.shape[0]
    order = jnp.argsort(~wanted, stable=True)  # those wanted first
    number = jnp.sum(wanted, dtype=jnp.int32)

    def by(group: int) -> Candidates:
        def some(loop: tuple[Array, Candidates]) -> tuple[Array, Candidates]:
            done, known = loop
            places = done + jnp.arange(group, dtype=jnp.int32)
            chosen = order[jnp.where(places < number, places, done)]  # idle lanes repeat one: no other is read
            found = jax.vmap(scan)(chosen)
            where = jnp.where(places < number, chosen, rows)  # beyond the last row, where nothing is written
            return done + group, jax.tree.map(lambda old, new: old.at[where].set(new, mode="drop"), known, found)

        return jax.lax.while_loop(lambda loop: loop[0] < number, some, (jnp.zeros((), jnp.int32), candidates))[1]

    if rows <= TOGETHER:
        return by(rows)
    return jax.lax.cond(4 * number > rows, lambda: by(rows), lambda: by(TOGETHER))
