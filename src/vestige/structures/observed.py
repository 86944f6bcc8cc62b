"""From an observed value to its probability and its traces: supervised and half-supervised training."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.debug import require
from vestige.numerics import log_exponential, logsumexp
from vestige.structures.binary_tree import BinaryTree
from vestige.structures.categorical import Categorical
from vestige.structures.choices import Choices
from vestige.structures.contract import AbstractStructure, TraceKind
from vestige.structures.exact import enumerate_traces
from vestige.structures.labelled import Labelled, with_root, without_root
from vestige.structures.orders import draw_order, parts_of, sum_over_orders
from vestige.structures.permutation import Permutation
from vestige.structures.reach import reachable
from vestige.structures.spanning_tree import SpanningTree
from vestige.structures.subset import Subset
from vestige.structures.subset_probability import subset_log_prob, subset_posterior
from vestige.structures.traces import NO_SUCH_TRACE
from vestige.typing import Key


def structure_log_prob(structure: AbstractStructure, value: Float[Array, "..."]) -> Float[Array, ""]:
    """log p(value): of the structure, summed over all traces that lead to it. For gold data, `-structure_log_prob(…)`
    is the loss.

    `Categorical`, `Choices`, `Permutation` and `BinaryTree` have one trace for each value; `Subset` has an integral
    (`subset_log_prob`); these are for any size. `SpanningTree` up to 13 nodes and `Matching` up to 12 rows: sums over
    the sets of parts won so far, O(2^n n²). `Labelled` is as the structure without labels. Others, such as
    `Arborescence`, by enumeration: about five nodes.

    **Arguments:**

    - `structure`: of a size as said above.
    - `value`: an indicator array, shaped like the value of a draw.

    **Returns:** one number, nats, differentiable in the rates; -inf for an array that is no such structure.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    if isinstance(structure, Labelled):
        return _labelled_log_prob(structure, value)
    if isinstance(structure, Subset):
        marks = jnp.all((value == 0) | (value == 1))
        return jnp.where(marks, subset_log_prob(structure, value), -jnp.inf)
    winners = _winners(structure, value)
    if winners is not None:
        trace = structure.replay(winners)
        right = jnp.all(structure.value(trace) == value) & structure.complete(trace)
        return jnp.where(right, structure.log_prob(trace), -jnp.inf)
    parts = parts_of(structure, value)
    if parts is not None:
        orders = sum_over_orders(structure, parts)
        return jnp.where(_leads_to(structure, parts.keys, value), orders.log_prob, -jnp.inf)
    table = enumerate_traces(structure)
    same = jnp.all((table.values == value[None]).reshape(table.values.shape[0], -1), axis=1)
    return logsumexp(table.log_probs, 0, same)


def trace_given_value(structure: AbstractStructure[TraceKind], value: Float[Array, "..."], *, key: Key) -> TraceKind:
    """Draw a trace given the value it leads to: exactly, from p(T | X).

    Its mean score is the gradient of the log-probability of the value, and `structure.posterior` of it gives arrival
    times that lead to the value.

    **Arguments:**

    - `structure`: as for `structure_log_prob`.
    - `value`: an indicator array, shaped like the value of a draw: gold heads, an order, a set.

    **Returns:** the trace, held fixed; compiled, one of log-probability -inf where the array is no such structure.

    **Raises:** `ValueError` where the array is no value of this structure, and beyond 200,000 traces.
    """
    held: Any = jax.lax.stop_gradient(structure)
    winners = _winners(held, value)
    if isinstance(structure, Labelled):
        winners = _labelled_winners(held, value, key)
    elif isinstance(held, Subset):
        winners = held.run(subset_posterior(held, value, key=key)).winners
    elif winners is None and (parts := parts_of(held, value)) is not None:
        winners = draw_order(sum_over_orders(held, parts), key=key)
    elif winners is None:
        table = enumerate_traces(held)
        same = jnp.all((table.values == value[None]).reshape(table.values.shape[0], -1), axis=1)
        noise = log_exponential(table.log_probs.shape, table.log_probs.dtype, key=key)
        winners = table.traces.winners[jnp.argmax(jnp.where(same, table.log_probs - noise, -jnp.inf))]
    trace = held.replay(winners)
    right = jnp.all(held.value(trace) == value) & held.complete(trace)
    trace = eqx.tree_at(lambda one: one.winners, trace, jnp.where(right, trace.winners, NO_SUCH_TRACE))
    return require(
        trace,
        right,
        f"{type(structure).__name__}: the array is no value of this structure, or needs a key of rate zero. It must be "
        "an indicator array of zeros and ones, as draw.value is.",
    )


def ranking_log_prob(structure: Permutation, ranking: Int[Array, " places"], *, first: bool = True) -> Float[Array, ""]:
    """log p of a partial ranking under the Plackett-Luce distribution of a permutation, in closed form.

    **Arguments:**

    - `structure`: the permutation.
    - `ranking`: (places,), different items, best first; -1 at the end where fewer are ranked.
    - `first`: whether the ranked items come before all others ("the best three are …"), static; otherwise only their
        order among themselves is known, and the others may stand anywhere.

    **Returns:** one number, nats, differentiable in the rates; -inf for an item that is twice there or cannot arrive.
    O(items · places).

    **Raises:** `TypeError` for a ranking that does not consist of integers.
    """
    if not jnp.issubdtype(ranking.dtype, jnp.integer):
        raise TypeError(f"ranking_log_prob: ranking must hold items, integers, best first; got {ranking.dtype}")
    rates, items = structure.log_rates, structure.log_rates.shape[0]
    ranked = ranking >= 0
    chosen = (ranking[:, None] == jnp.arange(items, dtype=ranking.dtype)[None, :]) & ranked[:, None]
    taken = jnp.cumsum(chosen, axis=0) - chosen.astype(jnp.int32) > 0
    others = ~taken if first else ~taken & jnp.any(chosen, axis=0)[None, :]
    totals = logsumexp(jnp.broadcast_to(rates[None, :], chosen.shape), 1, others)
    own = logsumexp(jnp.broadcast_to(rates[None, :], chosen.shape), 1, chosen)
    possible = jnp.all(jnp.where(ranked, (own > -jnp.inf) & ~jnp.any(chosen & taken, axis=1), True))
    terms = jnp.where(ranked & possible, own - totals, 0.0)
    return jnp.where(possible, jnp.sum(terms), -jnp.inf)


def arcs_of_heads(heads: Int[Array, " nodes"], dtype: jnp.dtype = jnp.float32) -> Float[Array, "nodes nodes"]:
    """The value of an `Arborescence` that is given by its heads, as parsers and treebanks do.

    **Arguments:**

    - `heads`: (nodes,), the node that the arc into each comes from; -1 for the root, and for padding.
    - `dtype`: of the result; that of the log-rates.

    **Returns:** (nodes, nodes), 1 at (head, node).
    """
    return (heads[None, :] == jnp.arange(heads.shape[0], dtype=heads.dtype)[:, None]).astype(dtype)


def _labelled_log_prob(structure: Labelled, value: Array) -> Array:
    """log p of the structure, and of its labels given it."""
    arcs, shares = jnp.sum(value, axis=-1), structure.log_shares
    parts = without_root(structure.structure, arcs)
    keys = jnp.triu(jnp.ones(arcs.shape, bool))[..., None] if isinstance(structure.template, SpanningTree) else True
    chosen = (value > 0) & keys
    labels = jnp.sum(jnp.where(chosen, jnp.where(chosen, shares, 0.0), 0.0))
    right = jnp.all((value == 0) | (value == 1)) & jnp.all(with_root(structure.structure, parts) == arcs)
    if isinstance(structure.template, SpanningTree):
        right = right & jnp.all(value == jnp.swapaxes(value, 0, 1))
    return jnp.where(right, structure_log_prob(structure.structure, parts) + labels, -jnp.inf)


def _labelled_winners(structure: Labelled, value: Array, key: Key) -> Int[Array, " steps"]:
    """Labels of parts are as observed; those of keys that win a race without being a part at last are drawn."""
    key_trace, key_labels = jax.random.split(key)
    arcs, shares = jnp.sum(value, axis=-1), structure.log_shares
    inner = trace_given_value(structure.structure, without_root(structure.structure, arcs), key=key_trace)
    noise = log_exponential(shares.shape, shares.dtype, key=key_labels)
    label = jnp.where(arcs > 0, jnp.argmax(value, axis=-1), jnp.argmax(shares - noise, axis=-1))
    return structure.with_labels(inner, label).winners


def _leads_to(structure: AbstractStructure, winners: Array, value: Array) -> Array:
    """Whether these winners, in whatever order, make a whole structure of this value."""
    steps = jnp.sort(jnp.where(winners < 0, structure.log_rates.size, winners))
    trace = structure.replay(jnp.where(steps == structure.log_rates.size, -1, steps).astype(jnp.int32))
    return jnp.all(structure.value(trace) == value) & structure.complete(trace)


@functools.singledispatch
def _winners(structure: AbstractStructure, value: Array) -> Int[Array, " steps"] | None:
    """The winners of the one trace of a value; None where there are several."""
    return None


@_winners.register
def _(structure: Categorical, value: Array) -> Array:
    return jnp.where(jnp.any(value > 0), jnp.argmax(value), -1).astype(jnp.int32)[None]


@_winners.register(Choices)
@_winners.register(Permutation)
def _(structure: Choices | Permutation, value: Array) -> Array:
    rows, columns = value.shape
    start = jnp.arange(rows, dtype=jnp.int32) * columns if isinstance(structure, Choices) else 0
    return jnp.where(jnp.any(value > 0, axis=1), start + jnp.argmax(value, axis=1).astype(jnp.int32), -1)


@_winners.register
def _(structure: BinaryTree, value: Array) -> Array:
    """In preorder: after all ancestors, and after everything to the left that is not below."""
    n = value.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    here = jnp.ones(n, bool) if structure.mask is None else structure.mask
    above = reachable(value > 0)
    before = place[:, None] < place[None, :]
    first = above | (~above & ~above.T & before)
    rank = jnp.where(here, jnp.sum(first & here[:, None], axis=0, dtype=jnp.int32), n)
    return jnp.full(n, -1, jnp.int32).at[rank].set(place, mode="drop")
