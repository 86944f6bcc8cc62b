"""From a score for every pair of nodes to a distribution over graphs."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.structures import AbstractStructure, Choices, SpanningTree, Subset


class AbstractGraphs(eqx.Module):
    """Which graphs there are over `nodes` nodes, and how pair scores become the rates of their parts.

    **Arguments:**

    - `nodes`: at least 2, static.
    """

    nodes: eqx.AbstractVar[int]
    copies: ClassVar[int]
    """Ordered pairs for which a key stands: 2 where edges have no direction."""

    @abc.abstractmethod
    def over(self, scores: Float[Array, "nodes nodes"]) -> AbstractStructure:
        """The distribution.

        **Arguments:**

        - `scores`: (nodes, nodes), log-rates; the diagonal is ignored. Where edges have no direction, that of an edge
          is the mean of its two.

        **Returns:** a structure.

        **Raises:** `ValueError` for scores of another shape.
        """

    @abc.abstractmethod
    def adjacency(self, value: Float[Array, "..."]) -> Float[Array, "nodes nodes"]:
        """The graph that a value of the structure is.

        **Arguments:**

        - `value`: of a draw, or relaxed.

        **Returns:** (nodes, nodes), 1 at (u, v) for u → v, differentiable in `value`; zeros on the diagonal.
        """


class Trees(AbstractGraphs):
    """Spanning trees."""

    nodes: int = eqx.field(static=True)
    copies: ClassVar[int] = 2

    def __check_init__(self):
        _enough(self)

    def over(self, scores: Float[Array, "nodes nodes"]) -> SpanningTree:
        return SpanningTree(_symmetric(scores, self))

    def adjacency(self, value: Float[Array, "nodes nodes"]) -> Float[Array, "nodes nodes"]:
        return value


class IndependentEdges(AbstractGraphs):
    """Every ordered pair is an edge or not, by itself, with probability sigma(score)."""

    nodes: int = eqx.field(static=True)
    copies: ClassVar[int] = 1

    def __check_init__(self):
        _enough(self)

    def over(self, scores: Float[Array, "nodes nodes"]) -> Choices:
        _square(scores, self)
        logits = scores[np.nonzero(~np.eye(self.nodes, dtype=bool))]
        return Choices(jnp.stack([logits, jnp.zeros_like(logits)], axis=1))

    def adjacency(self, value: Float[Array, "pairs 2"]) -> Float[Array, "nodes nodes"]:
        places = np.nonzero(~np.eye(self.nodes, dtype=bool))
        return jnp.zeros((self.nodes, self.nodes), value.dtype).at[places].set(value[:, 0])


class FirstEdges(AbstractGraphs):
    """The first `edges` edges to arrive, whether they make a tree or not."""

    nodes: int = eqx.field(static=True)
    edges: int = eqx.field(static=True)
    copies: ClassVar[int] = 2

    def __check_init__(self):
        _enough(self)
        most = self.nodes * (self.nodes - 1) // 2
        if not 1 <= self.edges <= most:
            raise ValueError(f"FirstEdges: {self.nodes} nodes have from 1 to {most} edges, got edges = {self.edges}")

    def over(self, scores: Float[Array, "nodes nodes"]) -> Subset:
        return Subset(_symmetric(scores, self)[np.triu_indices(self.nodes, 1)], self.edges)

    def adjacency(self, value: Float[Array, " pairs"]) -> Float[Array, "nodes nodes"]:
        half = jnp.zeros((self.nodes, self.nodes), value.dtype).at[np.triu_indices(self.nodes, 1)].set(value)
        return half + half.T


def _enough(graphs: AbstractGraphs) -> None:
    if graphs.nodes < 2:
        raise ValueError(f"{type(graphs).__name__}: nodes must be at least 2, since edges join two, got {graphs.nodes}")


def _square(scores: Array, graphs: AbstractGraphs) -> None:
    if scores.shape != (graphs.nodes, graphs.nodes):
        raise ValueError(
            f"{type(graphs).__name__}: scores must be {(graphs.nodes, graphs.nodes)}, one for each ordered pair, got "
            f"{scores.shape}; use jax.vmap for batches"
        )


def _symmetric(scores: Array, graphs: AbstractGraphs) -> Array:
    _square(scores, graphs)
    return 0.5 * (scores + scores.T)
