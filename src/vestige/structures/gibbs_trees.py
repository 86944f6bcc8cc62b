"""Gibbs distributions over spanning trees."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.structures.contract import LogRates
from vestige.structures.gibbs import AbstractGibbs
from vestige.structures.gibbs_arborescence import arcs_of_parents
from vestige.structures.reach import reachable
from vestige.structures.spanning_tree import SpanningTree, rates_of_edges
from vestige.structures.tree_sums import draw_tree, log_tree_sum
from vestige.typing import Key


class GibbsSpanningTree(AbstractGibbs):
    """Spanning trees with p(X) ∝ exp(sum of the log-weights of their edges): Kirchhoff's matrix-tree theorem.

    `SpanningTree` with the same numbers is another distribution: that of the cheapest tree of exponential times. The
    most probable tree is the same. O(n³) time and memory, the most probable one O(n²); float32 serves weights of any
    range.

    **Arguments:**

    - `log_weights`: symmetric (n, n); the diagonal is ignored; -inf for impossible edges. Its gradient is symmetric
        too: each of the two entries of an edge gets half.
    - `mask`: (n,), False for nodes that are not there.

    **Raises:** `ValueError` for a shape that is not square; for NaN, +inf, an array that is not symmetric to 1e-5, and,
    when drawing, for a graph that is not connected.
    """

    weights: LogRates
    mask: Bool[Array, " nodes"] | None

    def __init__(self, log_weights: Float[Array, "nodes nodes"], *, mask: Bool[Array, " nodes"] | None = None):
        self.weights = LogRates(rates_of_edges(log_weights, mask, "GibbsSpanningTree"))
        self.mask = mask

    def log_partition_of(self, log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        return log_tree_sum(*self._directed(log_weights))

    def members(self, value: Float[Array, "nodes nodes"]) -> Float[Array, "nodes nodes"]:
        return jnp.triu(value, 1)

    def contains(self, value: Float[Array, "nodes nodes"]) -> Bool[Array, ""]:
        n, present = value.shape[0], self._present
        inside = jnp.all((value == 0) | ((value == 1) & present[:, None] & present[None, :] & ~jnp.eye(n, dtype=bool)))
        right = jnp.sum(value > 0) == 2 * jnp.maximum(jnp.sum(present) - 1, 0)
        reached = reachable((value > 0) | jnp.eye(n, dtype=bool))
        connected = jnp.all(reached | ~present[:, None] | ~present[None, :])
        return inside & jnp.all(value == value.T) & right & connected

    def draw_value(self, *, key: Key) -> Float[Array, "nodes nodes"]:
        value = arcs_of_parents(draw_tree(*self._directed(self.log_weights), key=key), self.log_weights.dtype)
        return value + value.T

    def best_value(self) -> Float[Array, "nodes nodes"]:
        solver = SpanningTree(jnp.zeros_like(self.log_weights))
        return solver.value(solver.run(-self.log_weights))  # the order of the weights is all that is looked at

    def marginals(self) -> Float[Array, "nodes nodes"]:
        half = jax.grad(self.log_partition_of)(self.log_weights)
        return half + half.T

    @property
    def incomplete(self) -> str:
        return (
            "GibbsSpanningTree: the graph is not connected, so it has no spanning tree. Give some edge between its "
            "parts a finite log-weight, or mask the nodes that are not there."
        )

    @property
    def _present(self) -> Bool[Array, " nodes"]:
        return jnp.ones(self.log_weights.shape[0], bool) if self.mask is None else self.mask

    def _directed(self, log_weights: Array) -> tuple[Array, Array, Array]:
        """Directed from the last node that is there; every root has as many trees."""
        present = self._present
        n = present.shape[0]
        last = n - 1 - jnp.argmax(present[::-1])
        roots = jnp.where(jnp.arange(n, dtype=jnp.int32) == last.astype(jnp.int32), 0.0, -jnp.inf).astype(
            log_weights.dtype
        )
        half = jnp.triu(jnp.ones((n, n), bool), 1)
        edges = jnp.where(half, log_weights, log_weights.T)
        return edges, roots, present
