"""Numbers and features for pairs of nodes."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.typing import Key


def present(x: Float[Array, "nodes ..."], mask: Bool[Array, " nodes"] | None) -> Float[Array, "nodes ..."]:
    """`x` with zeros in the rows where `mask` is False, whatever stood there: padding may be NaN."""
    return x if mask is None else jnp.where(mask.reshape(-1, *(1,) * (x.ndim - 1)), x, jnp.zeros((), x.dtype))


def pairs_present(
    x: Float[Array, "nodes nodes *rest"], mask: Bool[Array, " nodes"] | None
) -> Float[Array, "nodes nodes *rest"]:
    """`x` with zeros at the pairs of which a node is not in `mask`."""
    if mask is None:
        return x
    both = (mask[:, None] & mask[None, :]).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))
    return jnp.where(both, x, jnp.zeros((), x.dtype))


def square_mask(mask: Bool[Array, "..."] | None, nodes: int, owner: str) -> None:
    """**Raises:** `ValueError`, which names `owner`, where `mask` is not one bool for each of `nodes`."""
    if mask is not None and mask.shape != (nodes,):
        raise ValueError(
            f"{owner}: mask must have one entry for each of the {nodes} nodes, got shape {mask.shape}; use jax.vmap "
            "for batches"
        )


class PairLinear(eqx.Module):
    """A linear layer on the concatenation [a_i, b_j] of every pair, written W_a a_i + W_b b_j + c.

    O(nodes · size · width + nodes² · width): the products are made once a node and not once a pair.

    **Arguments:**

    - `first`, `second`: lengths of a_i and b_j.
    - `width`: of the result.
    """

    of_first: eqx.nn.Linear
    of_second: eqx.nn.Linear

    def __init__(self, first: int, second: int, width: int, *, key: Key):
        whole = eqx.nn.Linear(first + second, width, key=key)  # one layer's initialisation, split in two
        half, other = whole.weight[:, :first], whole.weight[:, first:]
        empty = eqx.nn.Linear(first, width, key=key), eqx.nn.Linear(second, width, use_bias=False, key=key)
        self.of_first = eqx.tree_at(lambda x: (x.weight, x.bias), empty[0], (half, whole.bias))
        self.of_second = eqx.tree_at(lambda x: x.weight, empty[1], other)

    def __call__(
        self, a: Float[Array, "rows first"], b: Float[Array, "columns second"]
    ) -> Float[Array, "rows columns width"]:
        return jax.vmap(self.of_first)(a)[:, None, :] + jax.vmap(self.of_second)(b)[None, :, :]


class AbstractPairScorer(eqx.Module):
    """A number for every ordered pair of nodes, e.g. the log-rate of the arc between them."""

    @abc.abstractmethod
    def __call__(
        self,
        tails: Float[Array, "nodes first"],
        heads: Float[Array, "nodes second"],
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ) -> Float[Array, "nodes nodes"]:
        """Score all pairs.

        **Arguments:**

        - `tails`, `heads`: features of the nodes where an arc begins and where it ends; often the same.
        - `mask`: (nodes,), False for nodes that are not there, whose features may be anything.

        **Returns:** (nodes, nodes), entry (u, v) for the arc u → v; 0 at pairs that are not there.

        **Raises:** `ValueError` for a mask of another length.
        """


class Bilinear(AbstractPairScorer):
    """a_u · W b_v + w · [a_u, b_v] + c (biaffine, Dozat and Manning 2017). O(nodes² · second).

    **Arguments:**

    - `first`, `second`: lengths of a_u and b_v.
    """

    weight: Float[Array, "first second"]
    linear: PairLinear

    def __init__(self, first: int, second: int, *, key: Key):
        key_weight, key_linear = jax.random.split(key)
        scale = 1 / (first * second) ** 0.5
        self.weight = scale * jax.random.normal(key_weight, (first, second))
        self.linear = PairLinear(first, second, 1, key=key_linear)

    def __call__(
        self,
        tails: Float[Array, "nodes first"],
        heads: Float[Array, "nodes second"],
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ) -> Float[Array, "nodes nodes"]:
        square_mask(mask, tails.shape[0], "Bilinear")
        a, b = present(tails, mask), present(heads, mask)
        return pairs_present(a @ self.weight @ b.T + self.linear(a, b)[:, :, 0], mask)


class PairMLP(AbstractPairScorer):
    """An MLP on [a_u, b_v], with ELU between its two layers. O(nodes² · width).

    **Arguments:**

    - `first`, `second`: lengths of a_u and b_v.
    - `width`: hidden units.
    """

    hidden: PairLinear
    out: eqx.nn.Linear

    def __init__(self, first: int, second: int, width: int, *, key: Key):
        key_hidden, key_out = jax.random.split(key)
        self.hidden = PairLinear(first, second, width, key=key_hidden)
        self.out = eqx.nn.Linear(width, "scalar", key=key_out)

    def __call__(
        self,
        tails: Float[Array, "nodes first"],
        heads: Float[Array, "nodes second"],
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ) -> Float[Array, "nodes nodes"]:
        square_mask(mask, tails.shape[0], "PairMLP")
        inner = jax.nn.elu(self.hidden(present(tails, mask), present(heads, mask)))
        return pairs_present(jax.vmap(jax.vmap(self.out))(inner), mask)
