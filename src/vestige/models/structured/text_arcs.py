"""Which arcs a text may have: the latent structure, and the matrix of arcs that a draw of it stands for."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.structures import AbstractStructure, Arborescence, Choices, SpanningTree


class AbstractArcs(eqx.Module):
    """From scores of arcs to a distribution over matrices of arcs."""

    one_head: ClassVar[bool] = False
    """Whether every token but the first has exactly one head."""

    @abc.abstractmethod
    def structure(self, scores: Float[Array, "n n"], mask: Bool[Array, " n"]) -> AbstractStructure[Any]:
        """The distribution.

        **Arguments:**

        - `scores`: (n, n), entry (u, v) for the head u of v; the first token is the root.
        - `mask`: (n,), False for padding.

        **Returns:** a structure whose log-rates are made of the scores.
        """

    @abc.abstractmethod
    def adjacency(self, value: Float[Array, "..."]) -> Float[Array, "n n"]:
        """The arcs of a draw.

        **Arguments:**

        - `value`: of a draw, or what a relaxation puts in its place.

        **Returns:** (n, n), entry (u, v) for the head u of v.
        """

    def keys(self, n: int) -> int:
        """How many log-rates a text has.

        **Arguments:**

        - `n`: its tokens.

        **Returns:** the input width of a critic.
        """
        return n * n


class TreeArcs(AbstractArcs):
    """An arborescence from the first token."""

    one_head: ClassVar[bool] = True

    def structure(self, scores: Float[Array, "n n"], mask: Bool[Array, " n"]) -> Arborescence:
        return Arborescence(scores, 0, mask=mask)

    def adjacency(self, value: Float[Array, "n n"]) -> Float[Array, "n n"]:
        return value


class UndirectedTreeArcs(AbstractArcs):
    """A spanning tree; messages go both ways along an edge, whose score is the mean of its two arcs."""

    one_head: ClassVar[bool] = False

    def structure(self, scores: Float[Array, "n n"], mask: Bool[Array, " n"]) -> SpanningTree:
        return SpanningTree((scores + scores.T) / 2, mask=mask)

    def adjacency(self, value: Float[Array, "n n"]) -> Float[Array, "n n"]:
        return value


class IndependentArcs(AbstractArcs):
    """Every arc by itself, there with probability sigma(score); none from a token to itself or into the first one."""

    one_head: ClassVar[bool] = False

    def structure(self, scores: Float[Array, "n n"], mask: Bool[Array, " n"]) -> Choices:
        n = scores.shape[0]
        place = jnp.arange(n)
        possible = (place[:, None] != place[None, :]) & (place[None, :] != 0) & mask[:, None] & mask[None, :]
        logits = scores.reshape(-1)
        return Choices(jnp.stack([logits, jnp.zeros_like(logits)], axis=1), mask=possible.reshape(-1))

    def adjacency(self, value: Float[Array, "arcs 2"]) -> Float[Array, "n n"]:
        n = round(value.shape[0] ** 0.5)
        return value[:, 0].reshape(n, n)

    def keys(self, n: int) -> int:
        return 2 * n * n


ARCS: dict[str, AbstractArcs] = {
    "arborescence": TreeArcs(),
    "spanning-tree": UndirectedTreeArcs(),
    "independent": IndependentArcs(),
}
"""By the names of the option `arcs`."""
