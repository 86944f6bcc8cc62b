"""Scores of arcs between the tokens of a text."""

import equinox as eqx
import jax
from jaxtyping import Array, Bool, Float, Int

from vestige.models.structured.text_layers import Embedding, Recurrence, dropped, maybe_split
from vestige.typing import Key


class ArcScorer(eqx.Module):
    """Two LSTMs from left to right over one embedding, head and modifier; the score of an arc is their dot product
    (notes on Struminsky et al. 2021, addendum A.2).

    **Arguments:**

    - `tokens`: how many kinds.
    - `width`: of embedding and states.
    - `dropout`: of both outputs, in training.
    """

    embedding: Embedding
    head: Recurrence
    modifier: Recurrence
    dropout: float = eqx.field(static=True)

    def __init__(self, tokens: int, width: int, dropout: float, *, key: Key):
        keys = jax.random.split(key, 3)
        self.embedding = Embedding(tokens, width, key=keys[0])
        self.head = Recurrence(width, width, key=keys[1])
        self.modifier = Recurrence(width, width, key=keys[2])
        self.dropout = dropout

    def __call__(
        self, tokens: Int[Array, " time"], mask: Bool[Array, " time"], *, key: Key | None
    ) -> Float[Array, "time time"]:
        """The score of each arc, entry (u, v) for the head u of v.

        **Arguments:**

        - `tokens`: (time,).
        - `mask`: (time,), False for padding, whose scores mean nothing.
        - `key`: of the dropout; None: there is none.
        """
        embedded, keys = self.embedding(tokens), maybe_split(key, 2)
        heads = dropped(self.head(embedded, ~mask), self.dropout, keys[0])
        modifiers = dropped(self.modifier(embedded, ~mask), self.dropout, keys[1])
        return heads @ modifiers.T
