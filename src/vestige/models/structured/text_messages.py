"""Messages along the arcs of a text, and a classifier of what arrives at its first token."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.structured.text_layers import Embedding, affine, dropped, maybe_split
from vestige.typing import Key


class MessageClassifier(eqx.Module):
    """Every token sends what it knows to its heads, a number of times; the first token is classified
    (notes on Struminsky et al. 2021, addendum A.2).

    The message along an arc from head u to v is `W2 relu(W1 [h_u, h_v] + b1) + b2`, times the arc; a head adds the
    messages to what it knows, with the same weights every time. What of it is linear is done once a token and not once
    an arc. O(rounds · n² · width) time with `one_head`, where the rest is products of matrices, otherwise that many
    rectified numbers.

    **Arguments:**

    - `tokens`: how many kinds.
    - `width`: of all layers.
    - `classes`: how many.
    - `rounds`: how often messages are sent; a text is read whole only if it is nested no deeper.
    - `dropout`: inside a message, in training: of what a token sends, the same for all its heads.
    - `one_head`: whether every token has one head and arcs are zeros and ones; the same result for less work.
    """

    embedding: Embedding
    to_head: eqx.nn.Linear
    of_token: eqx.nn.Linear
    message: eqx.nn.Linear
    decoder: eqx.nn.MLP
    rounds: int = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    one_head: bool = eqx.field(static=True)

    def __init__(self, tokens: int, width: int, classes: int, rounds: int, dropout: float, *, one_head: bool, key: Key):
        keys = jax.random.split(key, 5)
        self.embedding = Embedding(tokens, width, key=keys[0])
        self.to_head = eqx.nn.Linear(width, width, use_bias=False, key=keys[1])
        self.of_token = eqx.nn.Linear(width, width, key=keys[2])
        self.message = eqx.nn.Linear(width, width, key=keys[3])
        self.decoder = eqx.nn.MLP(width, classes, width, 2, key=keys[4])
        self.rounds, self.dropout, self.one_head = rounds, dropout, one_head

    def __call__(
        self,
        tokens: Int[Array, " n"],
        arcs: Float[Array, "n n"],
        mask: Bool[Array, " n"],
        *,
        key: Key | None,
    ) -> Float[Array, " classes"]:
        """The logits of the classes.

        **Arguments:**

        - `tokens`: (n,).
        - `arcs`: (n, n), entry (u, v) for the head u of v; no arcs of padding.
        - `mask`: (n,), False for padding.
        - `key`: of the dropout; None: there is none.
        """
        known = jnp.where(mask[:, None], self.embedding(tokens), 0.0)
        arriving = jnp.sum(arcs, axis=1)[:, None]
        bias = self.message.bias
        assert bias is not None
        for key_round in maybe_split(key, self.rounds):
            hidden = self._gathered(known, arcs, key_round)
            known = known + hidden @ self.message.weight.T + arriving * bias[None, :]
        return self.decoder(known[0])

    def _gathered(
        self, known: Float[Array, "n width"], arcs: Float[Array, "n n"], key: Key | None
    ) -> Float[Array, "n width"]:
        """For every head the sum of the rectified parts of its messages."""
        of_head = known @ self.to_head.weight.T
        of_token = affine(self.of_token, known)
        if self.one_head:
            return arcs @ dropped(jax.nn.relu(arcs.T @ of_head + of_token), self.dropout, key)
        kept = dropped(jnp.ones_like(of_token), self.dropout, key)  # of a token, whichever head hears it
        pairs = jax.nn.relu(of_head[:, None, :] + of_token[None, :, :]) * kept[None, :, :]
        return jnp.einsum("uv,uvw->uw", arcs, pairs)
