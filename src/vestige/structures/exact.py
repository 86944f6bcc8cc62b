"""Small structures, all their traces listed."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.debug import require
from vestige.structures.contract import AbstractStructure
from vestige.structures.recursion import traces
from vestige.structures.traces import AbstractTrace

LIMIT = 200_000  # traces


def all_winners(structure: AbstractStructure) -> np.ndarray:
    """The winners of every trace of a structure of this size, (traces, steps); -1 where a trace has no such step.

    Only the shape of the structure is looked at, never its rates or its mask: traces that need a key of rate zero are
    listed too, traces that end early for want of keys are not.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    found = list(itertools.islice(traces(structure.recursion()), LIMIT + 1))
    if len(found) > LIMIT:
        raise ValueError(
            f"{type(structure).__name__} with log_rates of shape {structure.log_rates.shape} has more than {LIMIT:,} "
            "traces; exact enumeration is for about five nodes. Use LeaveOneOut or Relax, or entropy_estimate."
        )
    steps = jax.eval_shape(structure.run, structure.log_rates).winners.shape[0]
    winners = np.full((len(found), steps), -1, np.int32)
    for row, trace in enumerate(found):
        for step, (_, winner) in trace.items():
            winners[row, step] = winner
    return winners


class Table(NamedTuple):
    """All traces of a structure, with a leading axis."""

    traces: AbstractTrace
    """The traces."""
    values: Float[Array, "traces ..."]
    """The indicator array of each."""
    log_probs: Float[Array, " traces"]
    """Differentiable in the rates; -inf in rows that stand for no trace. They sum to one unless rates of zero make
    traces end early."""


def enumerate_traces(structure: AbstractStructure) -> Table:
    """Every trace, what it amounts to, and its log-probability.

    **Arguments:**

    - `structure`: a small one: about five nodes, those outside the mask among them.

    **Returns:** a table with one row for each trace there is without a mask (`all_winners`). Where a mask or rates of
    zero leave fewer, the other rows have log-probability -inf.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    traces, values, there = listed(structure, structure.log_rates != -jnp.inf)
    return Table(traces, values, log_probs_of(structure, traces, there))


def listed(
    structure: AbstractStructure, possible: Bool[Array, "*keys"]
) -> tuple[AbstractTrace, Float[Array, "traces ..."], Bool[Array, " traces"]]:
    """Every trace that the keys that are `possible` admit, whatever the rates of `structure`, and what it amounts to.

    A trace that needs another key is replayed as another trace. With a mask, or a number of steps that is an array,
    every trace is met that way, most of them more than once.

    **Returns:** traces, their values, and which rows are to be counted: each trace once.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    winners = jnp.asarray(all_winners(structure))
    base = structure.with_log_rates(jnp.where(possible, 0.0, -jnp.inf).astype(structure.log_rates.dtype))
    every = jax.vmap(base.replay)(winners)
    values = jax.lax.stop_gradient(jax.vmap(structure.value)(every))
    if structure.listed_as_run:
        return every, values, jnp.all(every.winners == winners, axis=1)
    return every, values, first_of_each(every.winners)[0] & jax.vmap(base.complete)(every)


def log_probs_of(
    structure: AbstractStructure, traces: AbstractTrace, there: Bool[Array, " traces"]
) -> Float[Array, " traces"]:
    """log p of each of the `traces` under the rates of `structure`; -inf for rows that are not `there`."""
    return jnp.where(there, jax.vmap(structure.log_prob)(traces), -jnp.inf)


def first_of_each(rows: Int[Array, "rows columns"]) -> tuple[Bool[Array, " rows"], Int[Array, " rows"]]:
    """Which of the `rows` come first among their equals, and for each row the number of its group of equals."""
    order = jnp.lexsort(rows.T)
    sorted_rows = rows[order]
    new = jnp.concatenate([jnp.ones(1, bool), jnp.any(sorted_rows[1:] != sorted_rows[:-1], axis=1)])
    group = jnp.cumsum(new, dtype=jnp.int32) - 1
    none = jnp.zeros(rows.shape[0], jnp.int32)
    return none.astype(bool).at[order].set(new), none.at[order].set(group)


def whole(
    log_probs: Float[Array, " rows"], structure: AbstractStructure, owner: str
) -> tuple[Float[Array, " rows"], Bool[Array, ""]]:
    """The `log_probs`, and whether they add up to one: whether no trace of `structure` ends for want of keys.

    **Raises:** `ValueError`, which names `owner`, where they do not; compiled, the second is then False.
    """
    valid = jnp.abs(jnp.sum(jnp.exp(log_probs)) - 1.0) <= 1e-3
    return require(
        log_probs, valid, f"{owner}: the traces do not add up to probability one. {structure.incomplete}"
    ), valid
