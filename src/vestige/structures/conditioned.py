"""A part of the value is known: how likely that is, and what the rest is given it."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.debug import require
from vestige.numerics import log_exponential, logsumexp
from vestige.structures.arrivals import TOLERANCE, log_arrived, time_nodes
from vestige.structures.categorical import Categorical
from vestige.structures.choices import Choices
from vestige.structures.contract import AbstractStructure, TraceKind, absent, flagged
from vestige.structures.exact import enumerate_traces
from vestige.structures.observed import ranking_log_prob, trace_given_value
from vestige.structures.permutation import Permutation
from vestige.structures.subset import Subset
from vestige.structures.traces import NO_SUCH_TRACE
from vestige.typing import Key

FEW = 5  # items of a permutation of which anything may be known, by enumeration


class Known(NamedTuple):
    """What is known of a value, in its shape."""

    present: Bool[Array, "..."]
    absent: Bool[Array, "..."]


def parts_log_prob(
    structure: AbstractStructure, *, present: Bool[Array, "..."] | None = None, absent: Bool[Array, "..."] | None = None
) -> Float[Array, ""]:
    """log P(some entries of the value are 1 and some are 0), all other entries and all traces summed.

    - `Categorical`, `Choices`: any size, in closed form.
    - `Subset`: any size; which items are chosen and which are not. An integral over the time of the last arrival
      inside, exact to rounding, in O(1000 n k).
    - `Permutation`: any size for its first places, in closed form; anything for up to 5 items.
    - Others by enumeration: about five nodes. Beyond that it is refused: that an edge is in the tree of larger races is
      a sum over all orders in which the others may come.

    **Arguments:**

    - `structure`: of a kind and size as said above.
    - `present`: shaped like the value, True for entries that are known to be 1.
    - `absent`: shaped like the value, True for entries that are known to be 0. That is not a rate of zero: a key that
        lost has taken part.

    **Returns:** one number, nats, differentiable in the rates; -inf where no value has these entries; NaN where a
    log-rate is NaN or +inf.

    **Raises:** `ValueError` for arrays of another shape, for larger structures, and for places of a larger
    `Permutation` that are not its first ones; compiled, it is then NaN.
    """
    return flagged(_log_prob(structure, _known(structure, present, absent, "parts_log_prob")), structure.usable)


def trace_given_parts(
    structure: AbstractStructure[TraceKind],
    *,
    present: Bool[Array, "..."] | None = None,
    absent: Bool[Array, "..."] | None = None,
    key: Key,
) -> TraceKind:
    """Draw a trace given some entries of the value: exactly, and without rejection.

    `structure.posterior` of it gives arrival times given these entries, and `structure.value` the whole value. Its
    log-probability given them is `structure.log_prob(trace)` less `parts_log_prob`.

    **Arguments:**

    - `structure`, `present`, `absent`: as of `parts_log_prob`.

    **Returns:** the trace, held fixed; compiled, one of log-probability -inf where no value has these entries.

    **Raises:** `ValueError` where no value has these entries, and as `parts_log_prob`.
    """
    held: Any = jax.lax.stop_gradient(structure)
    known = _known(held, present, absent, "trace_given_parts")
    trace = _trace(held, known, key)
    value = held.value(trace)
    right = jnp.all(jnp.where(known.present, value == 1, True) & jnp.where(known.absent, value == 0, True))
    right = right & held.complete(trace)
    trace = eqx.tree_at(lambda one: one.winners, trace, jnp.where(right, trace.winners, NO_SUCH_TRACE))
    return require(trace, right, f"{type(held).__name__}: no value has the entries that are given. {held.incomplete}")


def _known(structure: AbstractStructure, present: Array | None, absent: Array | None, owner: str) -> Known:
    shape = jax.eval_shape(lambda one: one.value(one.run(one.log_rates)), structure).shape
    nothing = jnp.zeros(shape, bool)
    for name, marks in (("present", present), ("absent", absent)):
        if marks is not None and (marks.shape != shape or marks.dtype != bool):
            raise ValueError(
                f"{owner}: {name} must be an array of bools of the shape {shape} of a value of "
                f"{type(structure).__name__}, got {marks.dtype}{list(marks.shape)}"
            )
    return Known(
        nothing if present is None else jnp.asarray(present), nothing if absent is None else jnp.asarray(absent)
    )


def _table(structure: AbstractStructure, known: Known) -> tuple[Any, Bool[Array, " traces"]]:
    """All traces, and which agree with what is known."""
    try:
        table = enumerate_traces(structure)
    except ValueError as error:
        name = type(structure).__name__
        raise ValueError(
            f"{name} with log_rates of shape {structure.log_rates.shape} is too large to be conditioned on a part of "
            "its value: that is a sum over all its traces, and there are more than 200,000. Use GibbsArborescence or "
            "GibbsSpanningTree, whose `given` is exact for any size; or draw from rates that favour what is known, and "
            "weigh every draw that has it by exp(structure.log_prob(trace) - other.log_prob(trace))."
        ) from error
    flat = table.values.reshape(table.values.shape[0], -1) > 0
    wrong = (known.present.reshape(1, -1) & ~flat) | (known.absent.reshape(1, -1) & flat)
    return table, ~jnp.any(wrong, axis=1)


@functools.singledispatch
def _log_prob(structure: AbstractStructure, known: Known) -> Array:
    table, agree = _table(structure, known)
    return logsumexp(table.log_probs, 0, agree)


@functools.singledispatch
def _trace(structure: AbstractStructure, known: Known, key: Key) -> Any:
    table, agree = _table(structure, known)
    noise = log_exponential(table.log_probs.shape, table.log_probs.dtype, key=key)
    row = jnp.argmax(jnp.where(agree, table.log_probs - noise, -jnp.inf))
    return structure.replay(table.traces.winners[row])


def _allowed(known: Known) -> Array:
    """Options that may still be chosen, in every row."""
    others = jnp.any(known.present, axis=-1, keepdims=True) & ~known.present
    return ~(others | known.absent) & (jnp.sum(known.present, axis=-1, keepdims=True) <= 1)


@_log_prob.register(Categorical)
@_log_prob.register(Choices)
def _(structure: Categorical | Choices, known: Known) -> Array:
    rates, allowed = jnp.atleast_2d(structure.log_rates), jnp.atleast_2d(_allowed(known))
    left, total = logsumexp(rates, 1, allowed), logsumexp(rates, 1)
    empty = (total == -jnp.inf) & ~jnp.any(jnp.atleast_2d(known.present), axis=1)
    possible = left > -jnp.inf
    shares = jnp.where(possible, left, 0.0) - jnp.where(possible, total, 0.0)
    return jnp.sum(jnp.where(empty, 0.0, jnp.where(possible, shares, -jnp.inf)))


@_trace.register(Categorical)
@_trace.register(Choices)
def _(structure: Categorical | Choices, known: Known, key: Key) -> Any:
    return structure.run(jnp.where(_allowed(known), structure.arrivals(key=key), jnp.inf))


@_log_prob.register
def _(structure: Permutation, known: Known) -> Array:
    if structure.log_rates.shape[0] <= FEW:
        table, agree = _table(structure, known)
        return logsumexp(table.log_probs, 0, agree)
    ranking, first = _prefix(structure, known)
    return flagged(ranking_log_prob(structure, ranking), first)


@_trace.register
def _(structure: Permutation, known: Known, key: Key) -> Any:
    """Those of the first places arrive before everybody else, who arrive as they would."""
    if structure.log_rates.shape[0] <= FEW:
        table, agree = _table(structure, known)
        noise = log_exponential(table.log_probs.shape, table.log_probs.dtype, key=key)
        return structure.replay(table.traces.winners[jnp.argmax(jnp.where(agree, table.log_probs - noise, -jnp.inf))])
    _prefix(structure, known)
    times = structure.arrivals(key=key)
    place = jnp.arange(times.shape[0], dtype=jnp.int32)
    order = (jnp.argmax(known.present, axis=0) - place.shape[0]).astype(times.dtype)
    ranked = jnp.any(known.present, axis=0) & (times < jnp.inf)
    return structure.run(jnp.where(ranked, jnp.min(times) + order, times))


def _prefix(structure: Permutation, known: Known) -> tuple[Array, Array]:
    """The items in the first places, -1 for places of which nothing is known; and whether that is all that is known."""
    here = jnp.any(known.present, axis=1)
    ranking = jnp.where(here, jnp.argmax(known.present, axis=1).astype(jnp.int32), -1)
    first = jnp.all(here[:-1] | ~here[1:]) & jnp.all(jnp.sum(known.present, axis=1) <= 1) & ~jnp.any(known.absent)
    message = (
        f"Permutation of {here.shape[0]} items: of more than {FEW} items only the first places may be known, by "
        "`present`: one item in each place from the first on. What is known of other places is a sum over all orders. "
        "For the order of some items among themselves: ranking_log_prob(…, first=False)."
    )
    return require(ranking, first, message), first


class _Chart(NamedTuple):
    """For every item, what it contributes by being outside, inside, or the last to arrive inside; and what those after
    it can make of it. Axes: items, times."""

    outside: Array
    inside: Array
    last: Array
    after: Array
    """(items, times, 2, counts): log of the sum over the items from the next one on that ends with k inside, by whether
    the last one inside has been met, and how many inside have been."""
    log_weight: Array
    """Of each time."""


def _chart(structure: Subset, known: Known) -> tuple[_Chart, Array]:
    """Also the logarithm of the whole: Σ over the last inside of ∫ its density Π (arrived before) Π (not arrived)."""
    rates, k, most = structure.log_rates, structure.k, structure.max_k
    weights, _, times = time_nodes(rates, most)
    there = rates > -jnp.inf
    x = jnp.where(there, rates, 0.0)[:, None] + times[None, :]
    never = jnp.full((), -jnp.inf, x.dtype)
    out = jnp.where(known.present[:, None], never, jnp.where(there[:, None], -jnp.exp(x), 0.0))
    possible = (there & ~known.absent)[:, None]
    into = jnp.where(possible, log_arrived(x), never)
    last = jnp.where(possible, x - jnp.exp(x), never)
    count = jnp.arange(most + 1, dtype=jnp.int32)
    end = jnp.where((count == k)[None, None, :] & jnp.array([False, True])[None, :, None], 0.0, never)
    end = jnp.broadcast_to(end.astype(x.dtype), (times.shape[0], 2, most + 1))

    def before(after: Array, item: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        out, into, last = (one[:, None, None] for one in item)
        one_more = jnp.concatenate([after[:, :, 1:], jnp.full_like(after[:, :, :1], -jnp.inf)], axis=2)
        met = jnp.concatenate([one_more[:, 1:], jnp.full_like(one_more[:, :1], -jnp.inf)], axis=1)
        return logsumexp(jnp.stack([after + out, one_more + into, met + last]), 0), after

    whole, after = jax.lax.scan(before, end, (out, into, last), reverse=True)
    log_weight = jnp.log(weights)
    return _Chart(out, into, last, after, log_weight), logsumexp(whole[:, 0, 0] + log_weight, 0)


@_log_prob.register
def _(structure: Subset, known: Known) -> Array:
    nothing = Known(jnp.zeros_like(known.present), jnp.zeros_like(known.absent))
    found, everything = _chart(structure, known)[1], _chart(structure, nothing)[1]
    near = jnp.abs(everything) <= TOLERANCE
    possible = found > -jnp.inf
    share = jnp.where(possible, jnp.where(possible, found, 0.0) - jnp.where(near, everything, 0.0), -jnp.inf)
    certain = (structure.k == 0) | absent(structure.mask)
    share = jnp.where(near | ~possible, share, jnp.nan)
    return jnp.where(certain, jnp.where(jnp.any(known.present), -jnp.inf, 0.0).astype(share.dtype), share)


@_trace.register
def _(structure: Subset, known: Known, key: Key) -> Any:
    """Item by item: how likely it is inside, given those decided before; then their order, given the set."""
    chart, _ = _chart(structure, known)
    key_items, key_trace = jax.random.split(key)

    def decide(state: tuple[Array, Array], item: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        reached, count = state
        out, into, last, after, noise = item
        stay = reached + out[:, None]
        enter = jnp.stack(
            [reached[:, 0] + into, logsumexp(jnp.stack([reached[:, 1] + into, reached[:, 0] + last]), 0)], 1
        )
        score = lambda reached, count: logsumexp((reached + jnp.take(after, count, 2, mode="clip")).reshape(-1), 0)
        full = count >= after.shape[2] - 1
        more = jnp.where(full, -jnp.inf, score(enter, count + 1))
        chosen = more - noise[0] > score(stay, count) - noise[1]
        return (jnp.where(chosen, enter, stay), count + chosen.astype(jnp.int32)), chosen

    items = structure.log_rates.shape[0]
    noise = log_exponential((items, 2), structure.log_rates.dtype, key=key_items)
    start = jnp.stack([chart.log_weight, jnp.full_like(chart.log_weight, -jnp.inf)], axis=1), jnp.int32(0)
    _, chosen = jax.lax.scan(decide, start, (chart.outside, chart.inside, chart.last, chart.after, noise))
    value = (chosen & (structure.log_rates > -jnp.inf)).astype(structure.log_rates.dtype)
    return _given(structure, value, key_trace)


def _given(structure: Subset, value: Array, key: Key) -> Any:
    """`trace_given_value`, which says itself what is wrong where there is no such set."""
    whole = jnp.sum(value > 0) == structure.k
    best = structure.value(structure.run(-structure.log_rates))
    return trace_given_value(structure, jnp.where(whole, value, best), key=key)
