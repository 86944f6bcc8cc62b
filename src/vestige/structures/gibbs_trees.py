"""Gibbs distributions over arborescences and over spanning trees."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.structures.arborescence import Arborescence
from vestige.structures.contract import LogRates, checked_rates, indicator, kept, square
from vestige.structures.gibbs import AbstractGibbs
from vestige.structures.matrix_tree import Eliminated, draw_parents, eliminate, is_tree
from vestige.structures.spanning_tree import SpanningTree, symmetric
from vestige.typing import Key


class GibbsArborescence(AbstractGibbs):
    """Directed spanning trees with p(X) ∝ exp(sum of the log-weights of their arcs): the matrix-tree theorem of Tutte.

    With `root=None` the root is free, and the diagonal holds the log-weights of the roots. That is also the law of
    parses in which *exactly one* word hangs on an artificial root (Koo et al. 2007): the single-root constraint. With
    the artificial root as a node and `root=0` any number of words may hang on it.

    `Arborescence` with the same numbers is another distribution: that of the cheapest tree of exponential times.

    log-partition, marginals, entropy and a draw take O(n³) time and memory; the most probable one O(n³), with a free
    root O(n⁴). Nothing is subtracted: float32 serves weights of any range.

    **Arguments:**

    - `log_weights`: (n, n), entry (u, v) for the arc u → v, -inf for impossible arcs; entry (v, v) for v as the root.
    - `root`: the root, static; None for a free one.
    - `mask`: (n,), False for nodes that are not there. A fixed root must be there, unless nobody is.

    **Raises:** `ValueError` for a shape that is not square or a root outside it; for NaN, +inf, and, when drawing,
    where there is no arborescence.
    """

    weights: LogRates
    mask: Bool[Array, " nodes"] | None
    root: int | None = eqx.field(static=True)

    def __init__(
        self,
        log_weights: Float[Array, "nodes nodes"],
        root: int | None = 0,
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ):
        n = square(log_weights, "GibbsArborescence")
        if root is not None and not 0 <= root < n:
            raise ValueError(f"GibbsArborescence: root must be one of the {n} nodes or None, got {root}")
        place = jnp.arange(n)
        keys = jnp.ones((n, n), bool)
        if root is not None:
            keys = (place[:, None] != place[None, :]) & (place[None, :] != root)
        if mask is not None:
            keys = keys & mask[:, None] & mask[None, :]
        self.weights = LogRates(checked_rates(kept(log_weights, keys), "GibbsArborescence"))
        self.mask = mask
        self.root = root

    def log_partition_of(self, log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        return eliminate(log_weights, self._roots_of(log_weights), self._present).log_partition

    def members(self, value: Float[Array, "nodes nodes"]) -> Float[Array, "nodes nodes"]:
        heads = jnp.sum(value, axis=0) > 0
        rooted = self._present & ~heads if self.root is None else jnp.zeros_like(heads)
        return value + jnp.diag(rooted.astype(value.dtype))

    def contains(self, value: Float[Array, "nodes nodes"]) -> Bool[Array, ""]:
        n, present = value.shape[0], self._present
        entering = jnp.sum(value, axis=0)
        parents = jnp.argmax(value, axis=0).astype(jnp.int32)
        rooted = present & (entering == 0)
        root = jnp.argmax(rooted).astype(jnp.int32)
        one = jnp.sum(rooted, dtype=jnp.int32) == jnp.any(present).astype(jnp.int32)
        if self.root is not None:
            one = one & (rooted[self.root] | ~jnp.any(present))
        inside = jnp.all((value == 0) | ((value == 1) & present[:, None] & present[None, :] & ~jnp.eye(n, dtype=bool)))
        return inside & one & jnp.all(entering <= 1) & is_tree(jnp.where(entering > 0, parents, -1), root, present)

    def draw_value(self, *, key: Key) -> Float[Array, "nodes nodes"]:
        parents = draw_parents(eliminate(self.log_weights, self._roots, self._present), key=key)
        return _arcs(parents, self.log_weights)

    def best_value(self) -> Float[Array, "nodes nodes"]:
        n = self.log_weights.shape[0]
        if self.root is not None:
            return self._best_from(jnp.int32(self.root))[0]
        values, scores = jax.vmap(self._best_from)(jnp.arange(n, dtype=jnp.int32))
        return values[jnp.argmax(scores)]

    def marginals(self) -> Float[Array, "nodes nodes"]:
        found = jax.grad(self.log_partition_of)(self.log_weights)
        return jnp.where(jnp.eye(found.shape[0], dtype=bool), 0.0, found)

    def root_marginals(self) -> Float[Array, " nodes"]:
        """How likely each node is the root.

        **Returns:** (nodes,), differentiable; zeros where there is no arborescence.
        """
        if self.root is not None:
            exists = (self.log_partition() > -jnp.inf) & self._present[self.root]
            return jnp.zeros_like(self.log_weights[0]).at[self.root].set(exists.astype(self.log_weights.dtype))
        return jnp.diagonal(jax.grad(self.log_partition_of)(self.log_weights))

    def given(
        self, *, present: Bool[Array, "nodes nodes"] | None = None, absent: Bool[Array, "nodes nodes"] | None = None
    ) -> "GibbsArborescence":
        """The distribution given that some arcs are there and some are not: exactly, since each node has one arc.

        **Arguments:**

        - `present`: (n, n), True for arcs that are known to be there; on the diagonal, with a free root, for the root.
        - `absent`: (n, n), True for arcs that are known not to be there.

        **Returns:** a distribution of the same class, whose log-partition function less that of this one is the
        log-probability of what is given.
        """
        weights = self.log_weights
        if present is not None:
            alternative = jnp.any(present, axis=0)[None, :] & ~present
            weights = jnp.where(alternative, -jnp.inf, weights)
            if self.root is None:  # a known root has no arc into it, and there is no other
                known = jnp.any(jnp.diagonal(present))
                weights = jnp.where(jnp.diag(known & ~jnp.diagonal(present)), -jnp.inf, weights)
        if absent is not None:
            weights = jnp.where(absent, -jnp.inf, weights)
        return self.with_log_weights(weights)

    @property
    def incomplete(self) -> str:
        return (
            "GibbsArborescence: there is no arborescence: some node cannot be reached from the root. Give an arc into "
            "it a finite log-weight, choose another root, or mask the nodes that are not there."
        )

    @property
    def _present(self) -> Bool[Array, " nodes"]:
        return jnp.ones(self.log_weights.shape[0], bool) if self.mask is None else self.mask

    @property
    def _roots(self) -> Float[Array, " nodes"]:
        return self._roots_of(self.log_weights)

    def _roots_of(self, log_weights: Array) -> Array:
        if self.root is None:
            return jnp.diagonal(log_weights)
        return jnp.where(jnp.arange(log_weights.shape[0]) == self.root, 0.0, -jnp.inf).astype(log_weights.dtype)

    def _best_from(self, root: Int[Array, ""]) -> tuple[Array, Array]:
        """The heaviest arborescence from a `root`, and its log-weight: the cheapest one, of costs above each node's
        best."""
        n = self.log_weights.shape[0]
        place = jnp.arange(n, dtype=jnp.int32)
        arcs = jnp.where((place[None, :] == root) | jnp.eye(n, dtype=bool), -jnp.inf, self.log_weights)
        top = jnp.max(arcs, axis=0)
        cost = jnp.log1p(jnp.where(jnp.isfinite(top), top, 0.0)[None, :] - arcs)
        solver = Arborescence(jnp.zeros_like(arcs), 0)
        value = solver.value(solver.run(jnp.where(arcs > -jnp.inf, cost, jnp.inf)))
        parents = jnp.where(jnp.any(value > 0, axis=0), jnp.argmax(value, axis=0).astype(jnp.int32), -1)
        whole = is_tree(parents, root, self._present)
        own = self._roots[root]
        score = jnp.sum(jnp.where(value > 0, arcs, 0.0)) + own
        return value, jnp.where(whole & self._present[root], score, -jnp.inf)


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
        n = square(log_weights, "GibbsSpanningTree")
        pairs = ~jnp.eye(n, dtype=bool)
        if mask is not None:
            pairs = pairs & mask[:, None] & mask[None, :]
        log_weights = symmetric(checked_rates(kept(log_weights, pairs), "GibbsSpanningTree"), "GibbsSpanningTree")
        self.weights = LogRates(kept(log_weights, jnp.triu(pairs)))
        self.mask = mask

    def log_partition_of(self, log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        return self._eliminated(log_weights).log_partition

    def members(self, value: Float[Array, "nodes nodes"]) -> Float[Array, "nodes nodes"]:
        return jnp.triu(value, 1)

    def contains(self, value: Float[Array, "nodes nodes"]) -> Bool[Array, ""]:
        n, present = value.shape[0], self._present
        inside = jnp.all((value == 0) | ((value == 1) & present[:, None] & present[None, :] & ~jnp.eye(n, dtype=bool)))
        right = jnp.sum(value > 0) == 2 * jnp.maximum(jnp.sum(present) - 1, 0)
        reached = (value > 0) | jnp.eye(n, dtype=bool)
        for _ in range(max(1, (n - 1).bit_length())):
            reached = (reached.astype(jnp.float32) @ reached.astype(jnp.float32)) > 0
        connected = jnp.all(reached | ~present[:, None] | ~present[None, :])
        return inside & jnp.all(value == value.T) & right & connected

    def draw_value(self, *, key: Key) -> Float[Array, "nodes nodes"]:
        value = _arcs(draw_parents(self._eliminated(self.log_weights), key=key), self.log_weights)
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

    def _eliminated(self, log_weights: Array) -> Eliminated:
        """Directed from the last node that is there; every root has as many trees."""
        present = self._present
        n = present.shape[0]
        last = n - 1 - jnp.argmax(present[::-1])
        roots = jnp.where(jnp.arange(n, dtype=jnp.int32) == last.astype(jnp.int32), 0.0, -jnp.inf).astype(
            log_weights.dtype
        )
        half = jnp.triu(jnp.ones((n, n), bool), 1)
        edges = jnp.where(half, log_weights, log_weights.T)
        return eliminate(edges, roots, present)


def _arcs(parents: Int[Array, " nodes"], log_weights: Array) -> Array:
    """The indicator of the arcs into each node."""
    n = parents.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    return indicator(jnp.where(parents >= 0, parents * n + place, -1), (n, n), log_weights.dtype)
