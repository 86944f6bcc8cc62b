"""Gibbs distributions over trees whose arcs carry labels."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.numerics import log_exponential, logsumexp
from vestige.structures.contract import LogRates, checked_rates
from vestige.structures.gibbs import AbstractGibbs
from vestige.structures.gibbs_trees import GibbsSpanningTree
from vestige.typing import Key


class GibbsLabelled(AbstractGibbs):
    """Trees with a label on each arc: p(X, labels) ∝ exp(sum of the log-weights of the arcs, each with its label).

    The labels of an arc are summed before the trees are, log Σ_l exp(w_uvl), and are independent given the tree; so
    partition function, marginals, entropy, divergence and draws are exact, for the time of the tree and O(n² labels).
    The most probable value is that of the largest label of each arc.

    The value is (n, n, labels), 1 at (u, v, l) for the arc u → v with the label l. With a free root the root's own
    label is on the diagonal. An undirected edge is there twice, with one label.

    To condition on arcs, label `tree.given(…)`; to condition on the label that an arc has, should it be there, set its
    other log-labels to -inf.

    **Arguments:**

    - `tree`: a `GibbsArborescence`, a `GibbsProjectiveArborescence` or a `GibbsSpanningTree`.
    - `log_labels`: (n, n, labels), added to the log-weights of `tree`; -inf for an impossible label. They are not
        normalised: with `jax.nn.log_softmax` of logits the law of the tree without labels is that of `tree`. Of a
        spanning tree what is above the diagonal is read.

    **Raises:** `ValueError` for another shape; for NaN, +inf, and, when drawing, where there is no tree.
    """

    weights: LogRates
    mask: Bool[Array, " nodes"] | None
    tree: AbstractGibbs
    """Size, options and mask of the tree; its log-weights are not looked at."""

    def __init__(self, tree: AbstractGibbs, log_labels: Float[Array, "nodes nodes labels"]):
        nodes = tree.log_weights.shape
        if log_labels.shape[:-1] != nodes or log_labels.shape[-1:] in ((), (0,)):
            raise ValueError(
                f"GibbsLabelled: log_labels must have the shape {nodes} of the log-weights of the "
                f"{type(tree).__name__} and an axis of labels, got {log_labels.shape}"
            )
        weights = tree.log_weights[:, :, None]
        there = weights != -jnp.inf
        labels = jnp.where(there, log_labels.astype(weights.dtype), -jnp.inf)
        self.weights = LogRates(checked_rates(jnp.where(there, weights, 0.0) + labels, "GibbsLabelled"))
        self.mask = tree.mask
        self.tree = tree

    @property
    def options(self) -> dict[str, Any]:
        return {"tree": type(self.tree).__name__, **self.tree.options}

    @property
    def unlabelled(self) -> AbstractGibbs:
        """The distribution of the tree, its labels summed."""
        return self.tree.with_log_weights(logsumexp(self.log_weights, 2))

    def log_partition_of(self, log_weights: Float[Array, "nodes nodes labels"]) -> Float[Array, ""]:
        return self.tree.log_partition_of(logsumexp(log_weights, 2))

    def members(self, value: Float[Array, "nodes nodes labels"]) -> Float[Array, "nodes nodes labels"]:
        if not self._undirected:
            return value
        return jnp.where(jnp.triu(jnp.ones(value.shape[:2], bool), 1)[:, :, None], value, 0.0)

    def contains(self, value: Float[Array, "nodes nodes labels"]) -> Bool[Array, ""]:
        arcs = jnp.sum(value, axis=2)
        bare = jnp.where(jnp.eye(arcs.shape[0], dtype=bool), 0.0, arcs)
        marks = jnp.all((value == 0) | (value == 1))
        rooted = jnp.all(jnp.diagonal(self.tree.members(bare)) == jnp.diagonal(arcs))
        same = jnp.all(value == jnp.swapaxes(value, 0, 1)) if self._undirected else True
        return marks & rooted & same & self.tree.contains(bare)

    def draw_value(self, *, key: Key) -> Float[Array, "nodes nodes labels"]:
        key_tree, key_labels = jax.random.split(key)
        noise = log_exponential(self.log_weights.shape, self.log_weights.dtype, key=key_labels)
        return self._value(self.unlabelled.draw_value(key=key_tree), self.log_weights - noise)

    def best_value(self) -> Float[Array, "nodes nodes labels"]:
        largest = self.tree.with_log_weights(jnp.max(self.log_weights, axis=2))
        return self._value(largest.best_value(), self.log_weights)

    def marginals(self) -> Float[Array, "nodes nodes labels"]:
        found = jax.grad(self.log_partition_of)(self.log_weights)
        return found + jnp.swapaxes(found, 0, 1) if self._undirected else found

    @property
    def incomplete(self) -> str:
        return f"GibbsLabelled: {self.tree.incomplete}"

    @property
    def _undirected(self) -> bool:
        return isinstance(self.tree, GibbsSpanningTree)

    def _value(self, tree: Array, scores: Array) -> Array:
        """A value of the tree, each arc with the label of the highest score."""
        label = jnp.argmax(scores, axis=2)
        found = self.tree.members(tree)[:, :, None] * jax.nn.one_hot(label, scores.shape[2], dtype=tree.dtype)
        return found + jnp.swapaxes(found, 0, 1) if self._undirected else found
