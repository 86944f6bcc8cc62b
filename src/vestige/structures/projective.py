"""Projective arborescences: Gibbs distributions over the dependency trees whose arcs do not cross."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.numerics import log_exponential, logsumexp
from vestige.structures.gibbs_arborescence import AbstractGibbsArborescence, is_arborescence
from vestige.structures.reach import reachable
from vestige.typing import Key

Pick = Callable[[Array, Array, Array], Array]
"""From alternatives (rows, alternatives), which of them count, and the number of the step to one number for each row,
whose derivative says how the alternatives share in it."""


class GibbsProjectiveArborescence(AbstractGibbsArborescence):
    """Projective directed spanning trees with p(X) ∝ exp(sum of the log-weights of their arcs).

    The nodes are the words of a sentence in their order. A tree is projective if every word between the ends of an arc
    is below the head of the arc: drawn above the sentence, no arcs cross. `GibbsArborescence` is the same over all
    trees.

    With `root=None` the root is free, and the diagonal holds the log-weights of the roots: exactly one word hangs on an
    artificial root. With the artificial root as node 0 and `root=0` any number of words may. Words that the mask leaves
    out are passed over.

    log-partition, marginals, entropy, a draw and the most probable tree take O(n³) time, and but for the first O(n³)
    memory, by the chart of complete and incomplete spans (Eisner 1996). Marginals, draws and the best tree are
    derivatives of the chart with a sum, a draw and a maximum (Goodman 1999, Li & Eisner 2009).

    **Arguments:**

    - `log_weights`: (n, n), entry (u, v) for the arc u → v, -inf for impossible arcs; entry (v, v) for v as the root.
    - `root`: the root, static; None for a free one.
    - `mask`: (n,), False for words that are not there. A fixed root must be there, unless nobody is.

    **Raises:** `ValueError` for a shape that is not square or a root outside it; for NaN, +inf, and, when drawing,
    where there is no projective arborescence.
    """

    def log_partition_of(self, log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        return self._over_trees(log_weights, lambda x, where, step: logsumexp(x, 1, where))

    def contains(self, value: Float[Array, "nodes nodes"]) -> Bool[Array, ""]:
        return is_arborescence(value, self.root, self.present_nodes) & is_projective(value, self.present_nodes)

    def draw_value(self, *, key: Key) -> Float[Array, "nodes nodes"]:
        return self._tree(lambda x, where, step: _drawn(x, where, jax.random.fold_in(key, step)))

    def best_value(self) -> Float[Array, "nodes nodes"]:
        return self._tree(lambda x, where, step: _largest(jnp.where(where, x, -jnp.inf)))

    @property
    def incomplete(self) -> str:
        return (
            "GibbsProjectiveArborescence: there is no projective arborescence: some word cannot be reached from the "
            "root without crossing arcs. Give more arcs a finite log-weight, or mask the words that are not there."
        )

    def _tree(self, pick: Pick) -> Float[Array, "nodes nodes"]:
        """The tree that is picked: the derivative of its log-weight."""
        found = jax.grad(lambda log_weights: self._over_trees(log_weights, pick))(self.log_weights)
        return jnp.where(jnp.eye(found.shape[0], dtype=bool), 0.0, found)

    def _over_trees(self, log_weights: Array, pick: Pick) -> Float[Array, ""]:
        """What `pick` makes of all trees; 0 where no word is there."""
        present = self.present_nodes
        n = present.shape[0]
        roots = self.roots_of(log_weights)
        some = jnp.any(present)
        # Each column is scaled to a maximum of one: a tree has one arc into each word but its root.
        arcs = jnp.where(jnp.eye(n, dtype=bool), -jnp.inf, log_weights)
        scale = jax.lax.stop_gradient(jnp.max(arcs, axis=0, initial=-jnp.inf))
        scale = jnp.where(jnp.isfinite(scale) & present, scale, 0.0)
        total = over_projective(arcs - scale[None, :], roots - scale, present, pick)
        return jnp.where(some, jnp.where(some, total, 0.0) + jnp.sum(scale), 0.0)


def over_projective(
    log_arcs: Float[Array, "nodes nodes"], log_roots: Float[Array, " nodes"], present: Bool[Array, " nodes"], pick: Pick
) -> Float[Array, ""]:
    """The chart of Eisner (1996): what `pick` makes of all projective trees, each of which has one derivation.

    A span is complete if one end heads all of it, and incomplete if its ends are joined by an arc. Spans of one width
    are made at once. O(nodes³) time.

    **Arguments:**

    - `log_arcs`: the diagonal is not read.
    - `log_roots`: of each node as the root; -inf where it cannot be.
    - `present`: False for nodes that are passed over.
    - `pick`: the sum, the maximum or a draw.

    **Returns:** one number, differentiable as `pick` is; where no node is present it means nothing.
    """
    n = log_roots.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    start, k = place[:, None], place[None, :]
    order = jnp.argsort(~present, stable=True)
    arcs, roots = log_arcs[order[:, None], order[None, :]], log_roots[order]
    nothing = jnp.full((n, n), -jnp.inf, log_arcs.dtype)
    alone = jnp.where(jnp.eye(n, dtype=bool), 0.0, nothing)

    def widen(state: tuple[Array, Array, Array, Array], width: Array) -> tuple[tuple[Array, Array, Array, Array], None]:
        """Spans (i, j), j = i + width: headed by their left end or by their right end, joined by an arc to the right or
        to the left."""
        by_left, by_right, to_right, to_left = state
        end = place + width
        j, fits = jnp.where(end < n, end, n - 1), (end < n)[:, None]
        after = jnp.concatenate([by_right[1:], nothing[:1]])  # of spans that begin after k
        not_last = fits & (k >= start) & (k < j[:, None])
        not_first = fits & (k > start) & (k <= j[:, None])
        both = pick(by_left + after[:, j].T, not_last, 4 * width)
        to_right = to_right.at[place, end].set(both + arcs[place, j], mode="drop")
        to_left = to_left.at[place, end].set(both + arcs[j, place], mode="drop")
        headed_left = pick(to_right + by_left[:, j].T, not_first, 4 * width + 1)
        headed_right = pick(by_right + to_left[:, j].T, not_last, 4 * width + 2)
        by_left = by_left.at[place, end].set(headed_left, mode="drop")
        by_right = by_right.at[place, end].set(headed_right, mode="drop")
        return (by_left, by_right, to_right, to_left), None

    widths = jnp.arange(1, n, dtype=jnp.int32)
    (by_left, by_right, _, _), _ = jax.lax.scan(widen, (alone, alone, nothing, nothing), widths)
    last = jnp.maximum(jnp.sum(present, dtype=jnp.int32) - 1, 0)
    trees = roots + by_right[0] + by_left[:, last]
    return pick(trees[None, :], (place <= last)[None, :], jnp.int32(3))[0]


def is_projective(value: Float[Array, "nodes nodes"], present: Bool[Array, " nodes"]) -> Bool[Array, ""]:
    """Whether every node between the ends of an arc is below its head.

    **Arguments:**

    - `value`: (nodes, nodes), the arcs of an arborescence: positive at (head, dependent).
    - `present`: (nodes,), False for nodes that do not count.

    **Returns:** one bool. O(nodes³).
    """
    n = present.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    below = reachable((value > 0) | jnp.eye(n, dtype=bool))
    low, high = jnp.minimum(place[:, None], place[None, :]), jnp.maximum(place[:, None], place[None, :])
    inner = place[None, None]
    between = (low[:, :, None] < inner) & (inner < high[:, :, None]) & present[None, None]
    return ~jnp.any((value > 0)[:, :, None] & between & ~below[:, None, :])


def _largest(x: Float[Array, "rows alternatives"]) -> Float[Array, " rows"]:
    """The maximum of each row, whose derivative is that of the first of the largest."""
    return jnp.take_along_axis(x, jnp.argmax(x, axis=1)[:, None], axis=1)[:, 0]


def _drawn(x: Array, where: Array, key: Key) -> Float[Array, " rows"]:
    """log Σ exp of each row, whose derivative is that of an alternative drawn in proportion to exp(x)."""
    x = jnp.where(where, x, -jnp.inf)
    place = jnp.argmax(x - log_exponential(x.shape, x.dtype, key=key), axis=1)
    total, chosen = logsumexp(x, 1), jnp.take_along_axis(x, place[:, None], axis=1)[:, 0]
    some = total > -jnp.inf
    missing = jax.lax.stop_gradient(jnp.where(some, total, 0.0) - jnp.where(some, chosen, 0.0))
    return jnp.where(some, chosen + missing, -jnp.inf)
