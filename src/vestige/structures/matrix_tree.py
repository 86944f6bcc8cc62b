"""The matrix-tree theorem on logarithms: partition functions of trees, and exact draws of them.

Nodes are struck out one after the other. Where v goes, every path u → v → w becomes an arc of weight W_uv W_vw / p_v
beside the one that was there; the pivot p_v is the *sum* of the weights that still enter v, so that nothing is ever
subtracted (elimination after Grassmann, Taksar and Heyman 1985) and weights of any range keep their digits. The product
of the pivots is the determinant of the Laplacian. The weight of v as a root goes to the others like an arc into v:
Σ_r ρ_r Z_r, over the arborescences Z_r from each root, keeps its form, since Z_v p_v = Σ_w W_vw Z_w (a tree from v with
an arc into v, or a tree from w with the arc v → w: each is a graph with one cycle through v).

A tree is drawn by putting the nodes back. Every arc of the smaller tree went by v with the share of the detour in its
weight; those that did become children of v, and v hangs on some node that is not below them, in proportion to its arcs
into v. By Cayley's formula with weights that is the law of the larger tree given the smaller one.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics import log_add, log_exponential, logsumexp
from vestige.typing import Key


class Struck(NamedTuple):
    """What was found when a node was struck out; with a leading axis of nodes."""

    arcs: Float[Array, "nodes nodes"]
    """Before that."""
    shares: Float[Array, " nodes"]
    """Logarithms of what each tail has of the arcs into the node."""
    roots: Float[Array, " nodes"]
    """Before that; -inf for all but the node where it can be nothing but the root."""
    log_pivot: Float[Array, ""]
    struck: Bool[Array, ""]
    """False for nodes that are not there and for the one that is left."""


class Eliminated(NamedTuple):
    """All but one node struck out."""

    log_partition: Float[Array, ""]
    """-inf, with gradient zero, where there is no tree; 0 where no node is there."""
    steps: Struck
    kept: Int[Array, ""]
    """The node that is left."""


def eliminate(
    log_arcs: Float[Array, "nodes nodes"], log_roots: Float[Array, " nodes"], present: Bool[Array, " nodes"]
) -> Eliminated:
    """log Σ_r ρ_r Σ_T Π_{(u → v) ∈ T} W_uv over all trees T that span the nodes and are directed from r.

    O(nodes³) time and memory.

    **Arguments:**

    - `log_arcs`: log W; the diagonal is not read.
    - `log_roots`: log ρ.
    - `present`: False for nodes that are not there.

    **Returns:** the log-partition function, differentiable, and what `draw_parents` needs.
    """
    n = log_roots.shape[0]
    place, loop = jnp.arange(n, dtype=jnp.int32), jnp.eye(n, dtype=bool)
    read = ~loop & present[:, None] & present[None, :]
    arcs = jnp.where(read, log_arcs, -jnp.inf)
    roots = jnp.where(present, log_roots, -jnp.inf)
    # Each column is scaled to a maximum of one: a tree has one arc into each node but its root.
    scale = jax.lax.stop_gradient(jnp.max(arcs, axis=0, initial=-jnp.inf))
    scale = jnp.where(jnp.isfinite(scale), scale, 0.0)
    arcs, roots = arcs - scale[None, :], roots - scale
    kept = jnp.argmax(jnp.where(present, roots, -jnp.inf)).astype(jnp.int32)

    def strike_out(state: tuple[Array, Array], node: Array) -> tuple[tuple[Array, Array], Struck]:
        arcs, roots = state
        struck = present[node] & (node != kept)
        into, out = arcs[:, node], arcs[node]
        log_pivot = logsumexp(into, 0)
        unreached = log_pivot == -jnp.inf
        log_pivot = jnp.where(unreached, 0.0, log_pivot)
        # Which nothing enters can be nothing but the root: the limit of equal arcs into it that vanish.
        others = present & (place != node) & ((place > node) | (place == kept))
        even = -jnp.log(jnp.maximum(jnp.sum(others), 1).astype(arcs.dtype))
        shares = jnp.where(unreached, jnp.where(others, even, -jnp.inf), into - log_pivot)
        held = jnp.where(unreached & (place != node), -jnp.inf, roots)
        gone = place == node
        new_arcs = log_add(arcs, shares[:, None] + out[None, :])
        new_arcs = jnp.where(gone[:, None] | gone[None, :] | loop, -jnp.inf, new_arcs)
        new_roots = jnp.where(gone, -jnp.inf, log_add(held, roots[node] + out - log_pivot))
        after = jnp.where(struck, new_arcs, arcs), jnp.where(struck, new_roots, roots)
        return after, Struck(arcs, shares, held, jnp.where(struck, log_pivot, 0.0), struck)

    (_, roots), steps = jax.lax.scan(strike_out, (arcs, roots), place)
    some = jnp.any(present)
    exists = some & (roots[kept] > -jnp.inf)
    total = jnp.where(exists, roots[kept], 0.0) + jnp.sum(steps.log_pivot) + jnp.sum(jnp.where(present, scale, 0.0))
    return Eliminated(jnp.where(exists, total, jnp.where(some, -jnp.inf, 0.0)), steps, kept)


def draw_parents(
    steps: Struck, kept: Int[Array, ""], logarithm: Callable[[Array], Array] = lambda arcs: arcs, *, key: Key
) -> Int[Array, " nodes"]:
    """The tails of the arcs into each node of a tree, drawn in proportion to its weight; -1 for the root and for nodes
    that are not there. O(nodes² log nodes) time.

    **Arguments:**

    - `steps`, `kept`: what `eliminate` returned; where there is no tree the result means nothing.
    - `logarithm`: of the arcs that are looked up, where they are not logarithms.
    """
    n = steps.shares.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)

    def put_back(state: tuple[Array, Array], here: tuple[Array, Struck, Key]) -> tuple[tuple[Array, Array], None]:
        parents, root = state
        node, step, key = here
        noise = -log_exponential((5, n), step.shares.dtype, key=key)
        inner = parents >= 0
        tails = jnp.where(inner, parents, 0)
        out = logarithm(step.arcs[node])
        direct, detour = logarithm(step.arcs[tails, place]), step.shares[tails] + out
        by_node = inner & (detour + noise[0] > direct + noise[1])
        rooting = step.roots[node] + out[root] - step.log_pivot
        first = rooting + noise[2, 0] > step.roots[root] + noise[3, 0]  # the node is the root, above that of before
        children = by_node | (first & (place == root))
        below, up = children, jnp.where(inner, parents, place)
        for _ in range(max(1, (n - 1).bit_length())):
            below, up = below | below[up], up[up]
        there = (place != node) & (inner | (place == root)) & ~below
        tail = jnp.argmax(jnp.where(there, step.shares + noise[4], -jnp.inf)).astype(jnp.int32)
        grown = jnp.where(children, node, parents).at[node].set(jnp.where(first, -1, tail))
        struck = step.struck
        return (jnp.where(struck, grown, parents), jnp.where(struck & first, node, root)), None

    start = jnp.full(n, -1, jnp.int32), kept
    (parents, _), _ = jax.lax.scan(put_back, start, (place, steps, jax.random.split(key, n)), reverse=True)
    return parents


def is_tree(parents: Int[Array, " nodes"], root: Int[Array, ""], present: Bool[Array, " nodes"]) -> Bool[Array, ""]:
    """Whether every node that is `present` is reached from `root`; `parents` are the tails of the arcs into each."""
    n = parents.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    up = jnp.where((parents >= 0) & (place != root), parents, place)
    for _ in range(max(1, (n - 1).bit_length())):
        up = up[up]
    return jnp.all((up == root) | ~present)
