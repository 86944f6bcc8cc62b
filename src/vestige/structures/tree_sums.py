"""The log-partition function of directed trees with its gradient, on weights instead of their logarithms.

The elimination is that of `vestige.structures.matrix_tree`: sums, products and quotients of positive numbers. Weights
cost a multiplication where logarithms cost an exponential and a logarithm for every entry. What they lack is range:
arcs into a node are scaled to a maximum of one, and in float32 what is below 1e-38 vanishes. The derivatives by arcs
say what that may be worth; where one is above 4e12, or no tree is left, the logarithms are used.

The gradient goes back through the elimination. With s the shares of the arcs into a node v, a the arcs out of it, p the
sum of the former, and G, g the derivatives by arcs and roots of what was left,

    by the arcs out of v:  G^T s + g ρ_v / p        by v as the root:  g·a / p
    by the arcs into v:  (G a + 1 - ρ_v g·a / p - s·G a) / p
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics.mixed import EXACT
from vestige.structures.matrix_tree import Struck, draw_parents, eliminate
from vestige.typing import Key


class TreeSum(NamedTuple):
    """A log-partition function and its gradient."""

    log_partition: Float[Array, ""]
    arcs: Float[Array, "nodes nodes"]
    """By the logarithms of the arcs: how likely each is; zeros on the diagonal."""
    roots: Float[Array, " nodes"]
    """By the logarithms of the roots: how likely each node is the root."""


@jax.custom_jvp
def log_tree_sum(
    log_arcs: Float[Array, "nodes nodes"], log_roots: Float[Array, " nodes"], present: Bool[Array, " nodes"]
) -> Float[Array, ""]:
    """log Σ_r ρ_r Σ_T Π_{(u → v) ∈ T} W_uv over all trees T that span the nodes and are directed from r.

    O(nodes³) time and memory, with its gradient: the program holds both ways. Of a batch (`vmap`) all are summed on
    logarithms where one lacks range, which takes 14 (20 nodes) to 53 times (50) as long and changes the last bits of
    the others.

    **Arguments:**

    - `log_arcs`: log W; the diagonal is not read.
    - `log_roots`: log ρ.
    - `present`: False for nodes that are not there.

    **Returns:** one number; -inf, with gradient zero, where there is no tree; 0 where no node is there.
    """
    return _solved(log_arcs, log_roots, present).log_partition


@log_tree_sum.defjvp
def _log_tree_sum_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    found = _solved(*primals)
    d_arcs, d_roots, _ = tangents
    rise = _product(found.arcs.ravel(), d_arcs.ravel()) + _product(found.roots, d_roots)
    return found.log_partition, rise


@jax.custom_jvp
def _solved(log_arcs: Array, log_roots: Array, present: Array) -> TreeSum:
    """On weights, and on logarithms where they lack range: under `vmap` for all, if for one."""
    found, served = _on_weights(log_arcs, log_roots, present)
    return jax.lax.cond(_any_of_batch(~served), lambda: _on_logarithms(log_arcs, log_roots, present), lambda: found)


@_solved.defjvp
def _solved_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[TreeSum, TreeSum]:
    """Of the way that serves alone: the derivatives of the other one need not be numbers."""
    log_arcs, log_roots, present = primals
    _, served = _on_weights(jax.lax.stop_gradient(log_arcs), jax.lax.stop_gradient(log_roots), present)

    def on_logarithms(arcs: Array, roots: Array) -> TreeSum:
        return _on_logarithms(arcs, roots, present)

    def on_weights(arcs: Array, roots: Array) -> TreeSum:
        return _on_weights(arcs, roots, present)[0]

    def pushed(way: Any) -> Any:
        return lambda at, change: jax.jvp(way, at, change)

    at, change = (log_arcs, log_roots), (tangents[0], tangents[1])
    return jax.lax.cond(_any_of_batch(~served), pushed(on_logarithms), pushed(on_weights), at, change)


def draw_tree(
    log_arcs: Float[Array, "nodes nodes"],
    log_roots: Float[Array, " nodes"],
    present: Bool[Array, " nodes"],
    *,
    key: Key,
) -> Int[Array, " nodes"]:
    """A tree, drawn in proportion to its weight. O(nodes³) time and memory.

    **Arguments:**

    - `log_arcs`, `log_roots`, `present`: as `log_tree_sum` takes them.

    **Returns:** the tails of the arcs into each node; -1 for the root and for nodes that are not there. Where there is
    no tree it means nothing.
    """
    _, served = _on_weights(log_arcs, log_roots, present)

    def on_logarithms() -> Array:
        eliminated = eliminate(log_arcs, log_roots, present)
        return draw_parents(eliminated.steps, eliminated.kept, key=key)

    def on_weights() -> Array:
        arcs, roots, _, struck, kept = _scaled(log_arcs, log_roots, present)
        _, steps, before = _forward(arcs, roots, struck, kept, keep=True)
        assert before is not None
        logs = jnp.log(steps.shares), jnp.log(before.roots), jnp.log(steps.pivot)
        return draw_parents(Struck(before.arcs, *logs, struck), kept, jnp.log, key=key)

    return jax.lax.cond(_any_of_batch(~served), on_logarithms, on_weights)


def _on_logarithms(log_arcs: Array, log_roots: Array, present: Array) -> TreeSum:
    def total(log_arcs: Array, log_roots: Array) -> Array:
        return eliminate(log_arcs, log_roots, present).log_partition

    value, gradient = jax.value_and_grad(total, argnums=(0, 1))(log_arcs, log_roots)
    return TreeSum(value, *gradient)


@jax.custom_batching.custom_vmap
def _any_of_batch(flag: Array) -> Array:
    """Under `vmap` one answer for all, by which a condition remains one."""
    return flag


@_any_of_batch.def_vmap
def _any_of_batch_rule(axis_size: int, in_batched: list[bool], flag: Array) -> tuple[Array, bool]:
    return _any_of_batch(jnp.any(flag, axis=0)), False


class _Scaled(NamedTuple):
    """Weights whose largest are one."""

    arcs: Float[Array, "nodes nodes"]
    roots: Float[Array, " nodes"]
    log_scale: Float[Array, ""]
    """Of every tree."""
    struck: Bool[Array, " nodes"]
    """All nodes that are there but the heaviest root."""
    kept: Int[Array, ""]
    """The heaviest root."""


def _scaled(log_arcs: Array, log_roots: Array, present: Array) -> _Scaled:
    n = log_roots.shape[0]
    read = ~jnp.eye(n, dtype=bool) & present[:, None] & present[None, :]
    log_arcs = jnp.where(read, log_arcs, -jnp.inf)
    scale = jax.lax.stop_gradient(jnp.max(log_arcs, axis=0, initial=-jnp.inf))  # a tree has one arc into each node
    scale = jnp.where(jnp.isfinite(scale), scale, 0.0)
    log_roots = jnp.where(present, log_roots, -jnp.inf) - scale
    kept = jnp.argmax(log_roots).astype(jnp.int32)
    top = jax.lax.stop_gradient(log_roots[kept])
    arcs, roots = jnp.exp(log_arcs - scale[None, :]), jnp.exp(log_roots - top)
    struck = present & (jnp.arange(n, dtype=jnp.int32) != kept)
    return _Scaled(arcs, roots, top + jnp.sum(scale), struck, kept)


def _on_weights(log_arcs: Array, log_roots: Array, present: Array) -> tuple[TreeSum, Array]:
    """With whether the range of the numbers sufficed."""
    arcs, roots, log_scale, struck, kept = _scaled(log_arcs, log_roots, present)
    total, steps, _ = _forward(arcs, roots, struck, kept)
    by_arcs, by_roots = _backward(total, steps, struck, kept)
    value = jnp.log(total) + log_scale + jnp.sum(jnp.log(steps.pivot))
    largest = float(jnp.finfo(arcs.dtype).tiny) ** (-1 / 3)  # its square, which second derivatives take, is a number
    served = jnp.isfinite(value) & (jnp.max(by_arcs, initial=0.0) < largest)
    return TreeSum(value, by_arcs * arcs, by_roots * roots), served


class _Step(NamedTuple):
    """A node struck out; with a leading axis of nodes."""

    shares: Float[Array, " nodes"]
    out: Float[Array, " nodes"]
    pivot: Float[Array, ""]
    root: Float[Array, ""]
    """Its weight as the root, over the pivot."""


class _Before(NamedTuple):
    """What was there before a node was struck out; with a leading axis of nodes."""

    arcs: Float[Array, "nodes nodes"]
    roots: Float[Array, " nodes"]


def _forward(
    arcs: Array, roots: Array, struck: Array, kept: Array, *, keep: bool = False
) -> tuple[Array, _Step, _Before | None]:
    """Strike nodes out, one after the other. The loop carries what the next update of all arcs takes, so that the
    update is one pass of products; where each entry had looked it up, a pass took seven times as long.

    **Arguments:**

    - `keep`: whether to return what was there before each step, O(nodes³) numbers.

    **Returns:** the weight of the node that is left as the root, the steps, and what was there before each. Steps
    of nodes that stay change nothing.
    """
    n = roots.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)

    def step(arcs: Array, roots: Array, node: Array) -> _Step:
        goes = struck[node]
        later = goes & ((place > node) | (place == kept))
        into = jnp.where(later, _at(arcs, node, 1), 0.0)
        pivot = jnp.where(goes, jnp.sum(into), 1.0)
        root = jnp.where(goes, roots[node], 0.0)
        out = jnp.where(later, _at(arcs, node, 0), 0.0)
        return _Step(into / pivot, out, pivot, root / pivot)

    def strike_out(state: tuple[Array, Array, _Step], after: Array) -> tuple[tuple[Array, Array, _Step], Any]:
        before, here = _Before(*state[:2]), state[2]
        arcs = before.arcs + here.shares[:, None] * here.out[None, :]
        roots = before.roots + here.root * here.out
        return (arcs, roots, step(arcs, roots, after)), (here, before if keep else None)

    after = jnp.minimum(place + 1, n - 1)
    (_, roots, _), steps = jax.lax.scan(strike_out, (arcs, roots, step(arcs, roots, place[0])), after)
    return roots[kept], *steps


def _backward(total: Array, steps: _Step, struck: Array, kept: Array) -> tuple[Array, Array]:
    """Derivatives of the log-partition function by arcs and roots, as they were before the first step; here, too, the
    loop carries what is written next."""
    n = struck.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)

    def written(state: tuple[Array, ...], node: Array) -> tuple[Array, Array]:
        by_arcs, by_roots, row, column, root = state
        by_arcs = jax.lax.dynamic_update_index_in_dim(by_arcs, row, node, 0)
        by_arcs = jax.lax.dynamic_update_index_in_dim(by_arcs, column, node, 1)
        return by_arcs, jnp.where(place == node, root, by_roots)

    def put_back(state: tuple[Array, ...], here: tuple[Array, _Step]) -> tuple[tuple[Array, ...], None]:
        node, step = here
        by_arcs, by_roots = written(state, jnp.minimum(node + 1, n - 1))
        goes = struck[node]
        later = (place > node) | (place == kept)
        by_shares = _product(by_arcs, step.out)
        row = _product(step.shares, by_arcs) + by_roots * step.root
        root = _product(by_roots, step.out) / step.pivot
        common = 1.0 / step.pivot - step.root * root - _product(by_shares, step.shares) / step.pivot
        column = by_shares / step.pivot + common
        row = jnp.where(goes, jnp.where(later, row, 0.0), _at(by_arcs, node, 0))
        column = jnp.where(goes, jnp.where(later, column, 0.0), _at(by_arcs, node, 1))
        return (by_arcs, by_roots, row, column, jnp.where(goes, root, by_roots[node])), None

    none = jnp.zeros(n, total.dtype)
    by_roots = jnp.where(place == kept, 1.0 / total, 0.0).astype(total.dtype)
    start = jnp.zeros((n, n), total.dtype), by_roots, none, none, by_roots[n - 1]
    state, _ = jax.lax.scan(put_back, start, (place, steps), reverse=True)
    return written(state, place[0])


_product = functools.partial(jnp.matmul, precision=EXACT)
"""In float32 on every device, and where other products are rounded: what is left of a share is a difference."""


def _at(matrix: Array, node: Array, axis: int) -> Array:
    return jax.lax.dynamic_index_in_dim(matrix, node, axis, keepdims=False)
