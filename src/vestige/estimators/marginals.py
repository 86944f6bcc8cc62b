"""Exact marginals of Gibbs distributions over subsets, spanning trees and arborescences.

For p(X) ∝ exp(sum of `log_weights` over the members of X), the probability that X holds a given member is the
derivative of the log-partition function by that member's log-weight. With noisy weights at a temperature, which
is the caller's business, it is the relaxation of stochastic softmax tricks (Paulus et al. 2020, "exponential
family entropy"). Here every log-partition function is built from sums, products and quotients of positive
numbers, never from a difference, so nothing has to be clamped, floored or repaired:

- the determinant of the matrix-tree theorem is found as in `vestige.structures.tree_sums`: a weight e^-120 below the
  others is no special case.
- the elementary symmetric polynomial of the subsets becomes P(k successes in independent trials), tilted so that
  k is their mean and therefore their most probable number.

Shared by the three functions: one structure at a time (`jax.vmap` for more), any floating dtype, which the
computation keeps, and finite values and gradients for finite weights of any range. An entry of -inf cannot be
chosen: marginal and gradient are exactly 0. Where nothing can be chosen at all (fewer than k items, a present
node out of reach), every marginal and every gradient is 0, which the sum shows. Marginals stray from [0, 1] by
rounding only: for trees by about the spread of the weights times the precision of the dtype (1e-6 in float32 at
±60), for subsets less. A NaN or +inf among the entries that are read comes out as NaN.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.structures.tree_sums import log_tree_sum

BISECTIONS = 40  # halve a bracket of any sensible range to 1e-6; the tilt need not be exact


def subset_marginals(log_weights: Float[Array, " items"], k: int | Int[Array, ""]) -> Float[Array, " items"]:
    """P(i ∈ X) for p(X) ∝ exp(sum_{i ∈ X} log_weights_i) over the subsets X of exactly `k` items; they sum to k.

    Forward and backward pass over the items, O(items · k) in time and memory, as deep as there are items
    (Paulus et al. 2020; Ahmed et al. 2023, "SIMPLE"). With p_i = sigmoid(log_weights_i - t), for any t, X is the
    set of successes of independent trials given that there are k; t solves sum_i p_i = k.

    **Arguments:**

    - `log_weights`: one per item; -inf for an item that is absent.
    - `k`: how many are chosen: a Python integer, static; or an integer array of shape (), with which time and memory
        are O(items²).

    **Raises:** `ValueError` unless 0 <= k <= items; for an array the marginals are then 0.
    """
    items = log_weights.shape[0]
    if isinstance(k, int) and not 0 <= k <= items:
        raise ValueError(f"k must lie between 0 and the number of items, {items}; got {k}")
    valid = log_weights != -jnp.inf
    enough = (jnp.sum(valid) >= k) & (k >= 0)
    largest = k if isinstance(k, int) else items
    tilt = _subset_tilt(jax.lax.stop_gradient(log_weights), valid, k)

    def log_partition(log_weights: Float[Array, " items"]) -> Float[Array, ""]:
        odds = jnp.where(valid, log_weights, 0.0) - tilt
        fixed = jax.lax.stop_gradient(odds)  # scales both outcomes of a trial, which no subset notices
        taken = jnp.where(valid, jnp.exp(odds - jax.nn.softplus(fixed)), 0.0)
        left = jnp.where(valid, jax.nn.sigmoid(-fixed), 1.0)

        def trial(count: Float[Array, " counts"], item: tuple[Array, Array]) -> tuple[Array, None]:
            taken, left = item
            return count * left + jnp.pad(count[:-1], (1, 0)) * taken, None

        none_yet = jnp.zeros(largest + 1, log_weights.dtype).at[0].set(1.0)
        count, _ = jax.lax.scan(trial, none_yet, (taken, left))
        return jnp.log(jnp.where(enough, count[k], 1.0))

    return jax.grad(log_partition)(log_weights)


def _subset_tilt(
    log_weights: Float[Array, " items"], valid: Bool[Array, " items"], k: int | Int[Array, ""]
) -> Float[Array, ""]:
    """The t at which sum sigmoid(log_weights - t) is k; the ends of the bracket serve where k is none or all."""
    margin = float(np.log1p(len(log_weights)))
    some = jnp.any(valid)
    low = jnp.where(some, jnp.min(jnp.where(valid, log_weights, jnp.inf), initial=jnp.inf), 0.0) - margin
    high = jnp.where(some, jnp.max(log_weights, initial=-jnp.inf), 0.0) + margin

    def halve(_: Int[Array, ""], bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = low + 0.5 * (high - low)
        too_low = jnp.sum(jax.nn.sigmoid(log_weights - middle)) > jnp.asarray(k, log_weights.dtype)
        return jnp.where(too_low, middle, low), jnp.where(too_low, high, middle)

    low, high = jax.lax.fori_loop(0, BISECTIONS, halve, (low, high))
    return low + 0.5 * (high - low)


def spanning_tree_marginals(
    log_weights: Float[Array, "nodes nodes"], mask: Bool[Array, " nodes"] | None = None
) -> Float[Array, "nodes nodes"]:
    """P({u, v} ∈ X) for p(X) ∝ exp(sum of log_weights over the edges of X), X a spanning tree; symmetric.

    The weighted matrix-tree theorem (Kirchhoff): the partition function is any cofactor of the Laplacian. Over
    the upper triangle the marginals sum to the number of present nodes less one. Weights are not clipped to a
    range below the heaviest, as the published relaxation does. O(nodes³) in time, and in memory when
    differentiated; as deep as there are nodes.

    **Arguments:**

    - `log_weights`: entry (u, v), u < v, for the edge {u, v}; -inf for no edge. The diagonal and the lower
        triangle are never read, and receive no gradient.
    - `mask`: False for an absent node, whose edges are not read. Left out, a node is absent if and only if it has
        no edge.
    """
    nodes = log_weights.shape[0]
    upper = jnp.triu(jnp.ones((nodes, nodes), bool), 1)

    def log_partition(log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        edges = jnp.where(upper, log_weights, log_weights.T)
        present = _with_arcs(edges) if mask is None else mask
        last = nodes - 1 - jnp.argmax(present[::-1])  # from every node as many trees are directed
        return _zero_if_none(log_tree_sum(edges, _root_at(last, edges), present))

    marginals = jax.grad(log_partition)(log_weights)
    return marginals + marginals.T


def arborescence_marginals(
    log_weights: Float[Array, "nodes nodes"],
    root: int,
    mask: Bool[Array, " nodes"] | None = None,
    *,
    multiroot: bool = True,
) -> Float[Array, "nodes nodes"]:
    """P((u → v) ∈ X) for p(X) ∝ exp(sum of log_weights over the arcs of X), X a spanning tree directed from `root`.

    The directed matrix-tree theorem (Tutte 1948): the partition function is the determinant of the Laplacian of
    in-going weights without the row and column of the root. The column of every present node but the root sums
    to one; column `root` and the diagonal are 0. O(nodes³) in time, and in memory when differentiated; as deep as
    there are nodes.

    **Arguments:**

    - `log_weights`: entry (u, v) for the arc u → v; -inf for no arc. Column `root` and the diagonal are never
        read, and receive no gradient.
    - `root`: where every path begins, static under `jax.jit`; always present.
    - `mask`: False for an absent node, whose arcs are not read. Left out, a node is absent if and only if no arc
        enters or leaves it.
    - `multiroot`: whether several arcs may leave the root, static; otherwise exactly one does (Koo et al. 2007).

    **Raises:** `ValueError` unless 0 <= root < nodes.
    """
    nodes = log_weights.shape[0]
    if not 0 <= root < nodes:
        raise ValueError(f"root must be one of the {nodes} nodes, got {root}")

    read = jnp.asarray(np.arange(nodes) != root)[None, :]

    def log_partition(log_weights: Float[Array, "nodes nodes"]) -> Float[Array, ""]:
        arcs = jnp.where(read, log_weights, -jnp.inf)
        present = (_with_arcs(arcs) if mask is None else mask).at[root].set(True)
        if multiroot:
            return _zero_if_none(log_tree_sum(arcs, _root_at(jnp.int32(root), arcs), present))
        return _zero_if_none(log_tree_sum(arcs, arcs[root], present.at[root].set(False)))

    return jax.grad(log_partition)(log_weights)


def _with_arcs(arcs: Float[Array, "nodes nodes"]) -> Bool[Array, " nodes"]:
    """Which nodes an arc enters or leaves."""
    exists = (arcs != -jnp.inf) & ~jnp.eye(arcs.shape[0], dtype=bool)
    return jnp.any(exists, axis=0) | jnp.any(exists, axis=1)


def _root_at(root: Int[Array, ""], arcs: Float[Array, "nodes nodes"]) -> Float[Array, " nodes"]:
    return jnp.where(jnp.arange(arcs.shape[0], dtype=jnp.int32) == root.astype(jnp.int32), 0.0, -jnp.inf).astype(
        arcs.dtype
    )


def _zero_if_none(total: Float[Array, ""]) -> Float[Array, ""]:
    return jnp.where(total == -jnp.inf, 0.0, total)
