"""Gibbs distributions over arborescences."""

from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.structures.arborescence import Arborescence, rates_of_arcs
from vestige.structures.contract import LogRates, indicator
from vestige.structures.gibbs import AbstractGibbs
from vestige.structures.matrix_tree import is_tree
from vestige.structures.tree_sums import draw_tree, log_tree_sum
from vestige.typing import Key

Kind = TypeVar("Kind", bound="AbstractGibbsArborescence")


class AbstractGibbsArborescence(AbstractGibbs):
    """A Gibbs distribution over directed spanning trees of some kind: arcs (u, v), roots on the diagonal.

    What distinguishes the kinds is which trees there are: sums over them, draws and the best of them.

    **Arguments:**

    - `log_weights`: (n, n), entry (u, v) for the arc u → v, -inf for impossible arcs; entry (v, v) for v as the root.
    - `root`: the root, static; None for a free one.
    - `mask`: (n,), False for nodes that are not there. A fixed root must be there, unless nobody is.

    **Raises:** `ValueError` for a shape that is not square or a root outside it; for NaN, +inf, and, when drawing,
    where there is no such tree.
    """

    weights: LogRates
    mask: Bool[Array, " nodes"] | None
    root: int | None = eqx.field(static=True)
    """The root, static; None for a free one."""

    def __init__(
        self,
        log_weights: Float[Array, "nodes nodes"],
        root: int | None = 0,
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ):
        self.weights = LogRates(rates_of_arcs(log_weights, root, mask, type(self).__name__))
        self.mask = mask
        self.root = root

    def members(self, value: Float[Array, "nodes nodes"]) -> Float[Array, "nodes nodes"]:
        heads = jnp.sum(value, axis=0) > 0
        rooted = self.present_nodes & ~heads if self.root is None else jnp.zeros_like(heads)
        return value + jnp.diag(rooted.astype(value.dtype))

    def marginals(self) -> Float[Array, "nodes nodes"]:
        found = jax.grad(self.log_partition_of)(self.log_weights)
        return jnp.where(jnp.eye(found.shape[0], dtype=bool), 0.0, found)

    def root_marginals(self) -> Float[Array, " nodes"]:
        """How likely each node is the root.

        **Returns:** (nodes,), differentiable; zeros where there is no arborescence.
        """
        if self.root is not None:
            exists = (self.log_partition() > -jnp.inf) & self.present_nodes[self.root]
            return jnp.zeros_like(self.log_weights[0]).at[self.root].set(exists.astype(self.log_weights.dtype))
        return jnp.diagonal(jax.grad(self.log_partition_of)(self.log_weights))

    def given(
        self: Kind,
        *,
        present: Bool[Array, "nodes nodes"] | None = None,
        absent: Bool[Array, "nodes nodes"] | None = None,
    ) -> Kind:
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
    def present_nodes(self) -> Bool[Array, " nodes"]:
        """Which nodes are there."""
        return jnp.ones(self.log_weights.shape[0], bool) if self.mask is None else self.mask

    def roots_of(self, log_weights: Float[Array, "nodes nodes"]) -> Float[Array, " nodes"]:
        """The log-weights of the nodes as the root.

        **Arguments:**

        - `log_weights`: (n, n), with those of a free root on the diagonal.

        **Returns:** (n,); of a fixed root 0, and -inf of all others.
        """
        if self.root is None:
            return jnp.diagonal(log_weights)
        return jnp.where(jnp.arange(log_weights.shape[0]) == self.root, 0.0, -jnp.inf).astype(log_weights.dtype)


class GibbsArborescence(AbstractGibbsArborescence):
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

    def log_partition_of(self, log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        return log_tree_sum(log_weights, self.roots_of(log_weights), self.present_nodes)

    def contains(self, value: Float[Array, "nodes nodes"]) -> Bool[Array, ""]:
        return is_arborescence(value, self.root, self.present_nodes)

    def draw_value(self, *, key: Key) -> Float[Array, "nodes nodes"]:
        weights = self.log_weights
        parents = draw_tree(weights, self.roots_of(weights), self.present_nodes, key=key)
        return arcs_of_parents(parents, weights.dtype)

    def best_value(self) -> Float[Array, "nodes nodes"]:
        n = self.log_weights.shape[0]
        if self.root is not None:
            return self._best_from(jnp.int32(self.root))[0]
        values, scores = jax.vmap(self._best_from)(jnp.arange(n, dtype=jnp.int32))
        return values[jnp.argmax(scores)]

    @property
    def incomplete(self) -> str:
        return (
            "GibbsArborescence: there is no arborescence: some node cannot be reached from the root. Give an arc into "
            "it a finite log-weight, choose another root, or mask the nodes that are not there."
        )

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
        whole = is_tree(parents, root, self.present_nodes)
        own = self.roots_of(self.log_weights)[root]
        score = jnp.sum(jnp.where(value > 0, arcs, 0.0)) + own
        return value, jnp.where(whole & self.present_nodes[root], score, -jnp.inf)


def is_arborescence(
    value: Float[Array, "nodes nodes"], root: int | None, present: Bool[Array, " nodes"]
) -> Bool[Array, ""]:
    """Whether an array holds the arcs of an arborescence.

    **Arguments:**

    - `value`: (nodes, nodes), any array; 1 at (u, v) for u → v.
    - `root`: from which it must be directed; None: from any node.
    - `present`: (nodes,), the nodes that it must span; where there are none, no arcs are right.

    **Returns:** one bool.
    """
    n = value.shape[0]
    entering = jnp.sum(value, axis=0)
    parents = jnp.argmax(value, axis=0).astype(jnp.int32)
    rooted = present & (entering == 0)
    first = jnp.argmax(rooted).astype(jnp.int32)
    one = jnp.sum(rooted, dtype=jnp.int32) == jnp.any(present).astype(jnp.int32)
    if root is not None:
        one = one & (rooted[root] | ~jnp.any(present))
    inside = jnp.all((value == 0) | ((value == 1) & present[:, None] & present[None, :] & ~jnp.eye(n, dtype=bool)))
    return inside & one & jnp.all(entering <= 1) & is_tree(jnp.where(entering > 0, parents, -1), first, present)


def arcs_of_parents(parents: Int[Array, " nodes"], dtype: Any) -> Float[Array, "nodes nodes"]:
    """The indicator, of a `dtype`, of the arcs into each node: from its entry of `parents`, -1 for none."""
    n = parents.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    return indicator(jnp.where(parents >= 0, parents * n + place, -1), (n, n), dtype)
