"""Spanning trees of an undirected graph."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.debug import require
from vestige.structures.contract import AbstractSequential, LogRates, checked_rates, indicator, kept, square
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import Nested


class Kruskal(AbstractRecursion):
    """The first edge to arrive between two different components joins them. Keys: i * n + j with i < j."""

    def __init__(self, nodes: int):
        self.nodes = nodes

    def start(self) -> tuple[int, frozenset[frozenset[int]]]:
        return 0, frozenset(frozenset({node}) for node in range(self.nodes))

    def split(self, state: tuple[int, frozenset[frozenset[int]]]) -> Mapping[int, frozenset[int]]:
        step, components = state
        home = {node: component for component in components for node in component}
        pairs = [(i, j) for j in range(self.nodes) for i in range(j) if home[i] != home[j]]
        return {step: frozenset(i * self.nodes + j for i, j in pairs)} if pairs else {}

    def advance(self, state: tuple[int, frozenset[frozenset[int]]], winners: Mapping[int, int]):
        step, components = state
        edge = set(divmod(winners[step], self.nodes))
        joined = {component for component in components if component & edge}
        return step + 1, (components - joined) | {frozenset().union(*joined)}


class SpanningTree(AbstractSequential[Nested]):
    """The minimum spanning tree of the arrival times, found edge by edge as by Kruskal.

    The trace is the ordered list of tree edges, n - 1 steps; at each, all edges between different components take
    part. (n - 1)! traces lead to one tree. This is not the Gibbs distribution of edge weights. The value is the
    symmetric adjacency matrix (n, n). Keys are the entries above the diagonal: log-rates and times are read there.

    O(n²) time and memory: the tree is grown from a node as by Prim, which finds the same tree; Kruskal's order and
    the step at which two nodes become connected follow from it, since the nodes of a component are adjacent in
    Prim's order and the step is the largest edge between them (notes 3.3, 3.5).

    **Arguments:**

    - `log_rates`: symmetric (n, n); the diagonal is ignored; -inf for impossible edges. Its gradient is symmetric
      too: each of the two entries of an edge gets half.
    - `mask`: (n,), False for nodes that are not there.

    **Raises:** `ValueError` for a shape that is not square; for NaN, +inf, an array that is not
    symmetric to 1e-5, and, when drawing, for a graph that is not connected.
    """

    rates: LogRates
    mask: Bool[Array, " nodes"] | None

    def __init__(self, log_rates: Float[Array, "nodes nodes"], *, mask: Bool[Array, " nodes"] | None = None):
        self.rates = LogRates(rates_of_edges(log_rates, mask, "SpanningTree"))
        self.mask = mask

    def run(self, log_times: Float[Array, "nodes nodes"]) -> Nested:
        n = log_times.shape[0]
        if n == 1:
            return Nested(jnp.zeros(0, jnp.int32), jnp.zeros((1, 1), jnp.int32))
        order, edges, times = prim(log_times)
        by_time = jnp.lexsort((edges, times)).astype(jnp.int32)
        step = jnp.zeros(n - 1, jnp.int32).at[by_time].set(jnp.arange(n - 1, dtype=jnp.int32))
        winners = jnp.where(times[by_time] < jnp.inf, edges[by_time], -1)
        return Nested(winners, connected_at(order, step))

    def value(self, trace: Nested) -> Float[Array, "nodes nodes"]:
        half = indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)
        return half + half.T

    def complete(self, trace: Nested) -> Bool[Array, ""]:
        nodes = self.log_rates.shape[0] if self.mask is None else jnp.sum(self.mask)
        return jnp.sum(trace.winners >= 0) == jnp.maximum(nodes - 1, 0)

    def recursion(self) -> Kruskal:
        return Kruskal(self.log_rates.shape[0])

    @property
    def incomplete(self) -> str:
        return (
            "SpanningTree: the graph is not connected, so it has no spanning tree. Give some edge between its parts a "
            "finite log-rate, or mask the nodes that are not there."
        )


def rates_of_edges(
    log_rates: Float[Array, "nodes nodes"], mask: Bool[Array, " nodes"] | None, owner: str
) -> Float[Array, "nodes nodes"]:
    """The log-rates or log-weights of the edges, above the diagonal; -inf for what is no key.

    **Arguments:**

    - `log_rates`: symmetric (n, n).
    - `mask`: (n,), False for nodes that are not there.
    - `owner`: the structure, for messages.

    **Raises:** `ValueError` for a shape that is not square, for an array that is not symmetric, and as `checked_rates`.
    """
    n = square(log_rates, owner)
    pairs = ~jnp.eye(n, dtype=bool)
    if mask is not None:
        pairs = pairs & mask[:, None] & mask[None, :]
    return kept(symmetric(checked_rates(kept(log_rates, pairs), owner), owner), jnp.triu(pairs))


def symmetric(log_rates: Float[Array, "nodes nodes"], owner: str) -> Float[Array, "nodes nodes"]:
    """The mean of `log_rates` and its transpose.

    **Raises:** `ValueError`, which names `owner`, where they differ; compiled, the result is NaN there.
    """
    other = log_rates.T
    finite = jnp.isfinite(log_rates) & jnp.isfinite(other)
    a, b = (jnp.where(finite, x, 0.0) for x in (log_rates, other))
    differ = jnp.where(finite, jnp.abs(a - b) > 1e-5 * (1.0 + jnp.abs(a) + jnp.abs(b)), log_rates != other)
    impossible = jnp.isneginf(log_rates) & jnp.isneginf(other)
    mean = jnp.where(finite, 0.5 * (a + b), jnp.where(impossible, -jnp.inf, jnp.nan))
    same = ~jnp.any(differ)
    return require(
        jnp.where(same, mean, jnp.nan),
        same,
        f"{owner}: log_rates is not symmetric. An undirected edge has one rate: pass e.g. (w + w.T) / 2.",
    )


def prim(
    log_times: Float[Array, "nodes nodes"],
) -> tuple[Int[Array, " nodes"], Int[Array, " nodes-1"], Float[Array, " nodes-1"]]:
    """Grow the minimum spanning tree from node 0: the nodes in the order they are reached, and the edges that reach
    them, with their times (+inf where a new component has to be begun). Times are read above the diagonal."""
    n = log_times.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    above = place[:, None] < place[None, :]
    times = jnp.where(above, log_times, log_times.T)
    edges = jnp.where(above, place[:, None] * n + place[None, :], place[None, :] * n + place[:, None])

    def reach(state, _):
        outside, node, best, via = state
        outside = outside.at[node].set(False)
        time, edge = times[node], edges[node]
        closer = (time < best) | ((time == best) & (edge < via))
        best, via = jnp.where(closer, time, best), jnp.where(closer, edge, via)
        least = jnp.min(best, initial=jnp.inf, where=outside)
        first = outside & (best == least)
        chosen = jnp.min(via, initial=n * n, where=first)
        node = jnp.argmax(first & (via == chosen)).astype(jnp.int32)
        return (outside, node, best, via), (node, chosen, least)

    start = (jnp.ones(n, bool), jnp.int32(0), jnp.full(n, jnp.inf, times.dtype), jnp.full(n, n * n, jnp.int32))
    _, (nodes, chosen, least) = jax.lax.scan(reach, start, None, length=n - 1)
    return jnp.concatenate([jnp.zeros(1, jnp.int32), nodes]), chosen, least


def connected_at(order: Int[Array, " nodes"], step: Int[Array, " nodes-1"]) -> Int[Array, "nodes nodes"]:
    """Kruskal's step at which each pair of nodes becomes connected: the last among the steps of the edges that
    Prim added between reaching the one and the other.

    **Arguments:**

    - `order`: (n,), the nodes in the order in which Prim reaches them.
    - `step`: (n - 1,), Kruskal's steps of the edges that reach them.

    **Returns:** (n, n), integers; 0 on the diagonal.
    """
    n = order.shape[0]

    def row(state, reached):
        """For the node reached now, the step at which it is connected to each node reached before."""
        reached_before, last = state
        edge_step, previous = reached
        reached_before = reached_before.at[previous].set(True)
        last = jnp.where(reached_before, jnp.maximum(last, edge_step), -1)
        return (reached_before, last), last

    start = (jnp.zeros(n, bool), jnp.full(n, -1, jnp.int32))
    _, rows = jax.lax.scan(row, start, (step, order[:-1]))
    rows = jnp.concatenate([jnp.full((1, n), -1, jnp.int32), rows])
    rank = jnp.zeros(n, jnp.int32).at[order].set(jnp.arange(n, dtype=jnp.int32))
    half = rows[rank]  # (v, u): known where u was reached before v
    return jnp.maximum(jnp.maximum(half, half.T), 0)
