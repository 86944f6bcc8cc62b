"""Messages along the edges of a sampled graph."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.structured.pairs import PairLinear, present, square_mask
from vestige.typing import Key


class EdgeMessages(eqx.Module):
    """For each type of edge an MLP on [receiver, sender]; what it says is summed at the receiver (Kipf et al. 2018,
    neural relational inference, equation 10).

    Adjacency may be anything from 0 to 1: relaxed edges weigh their messages. O(types · nodes² · width²).

    **Arguments:**

    - `size`: length of a node's features.
    - `width`: of hidden layer and messages, both rectified.
    - `types`: how many types of edges there are, each with weights of its own.
    """

    hidden: tuple[PairLinear, ...]
    out: tuple[eqx.nn.Linear, ...]

    def __init__(self, size: int, width: int, types: int, *, key: Key):
        if types < 1:
            raise ValueError(f"EdgeMessages: types must be at least 1, got {types}")
        keys = jax.random.split(key, 2 * types)
        self.hidden = tuple(PairLinear(size, size, width, key=keys[2 * kind]) for kind in range(types))
        self.out = tuple(eqx.nn.Linear(width, width, key=keys[2 * kind + 1]) for kind in range(types))

    def __call__(
        self,
        nodes: Float[Array, "nodes size"],
        edges: Float[Array, "types nodes nodes"],
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ) -> Float[Array, "nodes width"]:
        """What arrives at each node.

        **Arguments:**

        - `nodes`: features.
        - `edges`: how much the arc u → v is of each type, at (type, u, v). The diagonal is ignored.
        - `mask`: False for nodes that are not there; they neither send nor receive.

        **Returns:** (nodes, width).

        **Raises:** `ValueError` for another number of types, and for a mask of another length.
        """
        count = nodes.shape[0]
        square_mask(mask, count, "EdgeMessages")
        if edges.shape != (len(self.out), count, count):
            raise ValueError(
                f"EdgeMessages: edges must be {(len(self.out), count, count)}, types by nodes by nodes, got "
                f"{edges.shape}"
            )
        here = present(nodes, mask)
        counted = ~jnp.eye(count, dtype=bool)
        if mask is not None:
            counted = counted & mask[:, None] & mask[None, :]
        weights = jnp.where(counted[None], edges, jnp.zeros((), edges.dtype))
        arriving = jnp.zeros((count, self.out[0].weight.shape[0]), nodes.dtype)
        for kind, (hidden, out) in enumerate(zip(self.hidden, self.out, strict=True)):
            said = jax.nn.relu(jax.vmap(jax.vmap(out))(jax.nn.relu(hidden(here, here))))  # (receiver, sender, width)
            arriving = arriving + jnp.einsum("uv,vuw->vw", weights[kind], said)
        return arriving


class Propagation(eqx.Module):
    """A fixed number of rounds of messages with the same weights in each; what arrives is added to the node.

    O(rounds · nodes² · size²).

    **Arguments:**

    - `size`: length of a node's features, and width of the messages.
    - `rounds`: how many, static.
    """

    messages: EdgeMessages
    rounds: int = eqx.field(static=True)

    def __init__(self, size: int, rounds: int, *, key: Key):
        if rounds < 0:
            raise ValueError(f"Propagation: rounds must be at least 0, got {rounds}")
        self.messages = EdgeMessages(size, size, 1, key=key)
        self.rounds = rounds

    def __call__(
        self,
        nodes: Float[Array, "nodes size"],
        edges: Float[Array, "nodes nodes"],
        *,
        mask: Bool[Array, " nodes"] | None = None,
    ) -> Float[Array, "nodes size"]:
        """The nodes after all rounds.

        **Arguments:**

        - `nodes`: features.
        - `edges`: 1 at (u, v) where u sends to v.
        - `mask`: False for nodes that are not there.

        **Returns:** (nodes, size); zeros for nodes that are not there.

        **Raises:** as `EdgeMessages`.
        """
        square_mask(mask, nodes.shape[0], "Propagation")

        def once(nodes: Array, _: None) -> tuple[Array, None]:
            return nodes + self.messages(nodes, edges[None], mask=mask), None

        return present(jax.lax.scan(once, present(nodes, mask), None, length=self.rounds)[0], mask)
