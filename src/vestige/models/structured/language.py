"""Models of texts of a known length: the contract, and the one from left to right."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.structured.objective import ImportanceSamples
from vestige.models.structured.text_layers import Recurrence, affine
from vestige.typing import Batch, Key, Metrics

SCALE = 0.4
"""Standard deviation of embeddings at the start: several are summed before a nonlinearity."""


class AbstractLanguageModel(eqx.Module):
    """A distribution over texts whose length is known: `inputs` are numbers of tokens (n,), `mask` (n,) is False behind
    the last. There is no token for the end."""

    @abc.abstractmethod
    def orders(self, text: Batch, *, samples: int, key: Key) -> ImportanceSamples:
        """Draw orders in which the tokens of a text may have been generated: binary trees, root first, then left parts,
        then right ones.

        **Arguments:**

        - `text`: one text.
        - `samples`: how many, static; where there is but one order, one is enough.
        - `key`: of the draws.

        **Returns:** the log-weights (samples,), nats, and the trees (samples, n, n), 1 at (i, j) if j is a child of i.
        The mean of the log-weights is in the mean over keys a lower bound of log p(text), their `log_mean` a tighter
        one.
        """

    @abc.abstractmethod
    def log_prob(self, text: Batch) -> Float[Array, ""]:
        """log p(text), exactly.

        **Arguments:**

        - `text`: one text, without padding.

        **Returns:** one number, nats.

        **Raises:** `ValueError` for a text that is too long to sum over what is latent.
        """

    @abc.abstractmethod
    def generate(self, mask: Bool[Array, " n"], *, key: Key) -> Int[Array, " n"]:
        """Draw a text.

        **Arguments:**

        - `mask`: (n,), True for as many positions as it is to have tokens.

        **Returns:** (n,), int32; 0 for padding.
        """


def objective(model: "LeftToRight", example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """The log-probability of one text, `example`, under `model` by position of its row, which is maximised: an
    `Objective` for the rule `gradient`."""
    loss = -model.log_prob(example) / example.inputs.shape[0]
    return -loss, {"loss": loss}


class LeftToRight(AbstractLanguageModel):
    """An LSTM that predicts every token from those before it, the position, and how many are to come.

    O(n width²), one step a token.

    **Arguments:**

    - `tokens`: how many kinds.
    - `longest`: positions a row.
    - `width`: of all layers.
    """

    embedding: Float[Array, "tokens_and_start width"]
    places: Float[Array, "2 longest width"]
    recurrence: Recurrence
    out: eqx.nn.Linear

    def __init__(self, tokens: int, longest: int, width: int, *, key: Key):
        keys = jax.random.split(key, 4)
        self.embedding = SCALE * jax.random.normal(keys[0], (tokens + 1, width))
        self.places = SCALE * jax.random.normal(keys[1], (2, longest, width))
        self.recurrence = Recurrence(width, width, key=keys[2])
        self.out = eqx.nn.Linear(width, tokens, key=keys[3])

    def orders(self, text: Batch, *, samples: int, key: Key) -> ImportanceSamples:
        _, mask = known(text)
        chain = jnp.eye(mask.shape[0], k=1) * (mask[:, None] & mask[None, :]).astype(jnp.float32)
        return ImportanceSamples(self.log_prob(text)[None], chain[None])

    def log_prob(self, text: Batch) -> Float[Array, ""]:
        tokens, mask = known(text)
        first = jnp.full(1, self.embedding.shape[0] - 1, tokens.dtype)
        inputs = self.embedding[jnp.concatenate([first, tokens[:-1]])] + self._placed(mask)
        return log_likelihood(affine(self.out, self.recurrence(inputs, ~mask)), tokens, mask)

    def generate(self, mask: Bool[Array, " n"], *, key: Key) -> Int[Array, " n"]:
        cell, placed = self.recurrence.cell, self._placed(mask)
        nothing = jnp.zeros((0,), placed.dtype)

        noise = jax.random.gumbel(key, (mask.shape[0], self.embedding.shape[0] - 1))

        def step(carry, given):
            state, last = carry
            place, noise = given
            drive = self.recurrence.drive.weight @ (self.embedding[last] + place)
            state, hidden = cell(state, nothing, drive)
            token = jnp.argmax(self.out(hidden) + noise).astype(jnp.int32)
            return (state, token), token

        start = cell.init(), jnp.full((), self.embedding.shape[0] - 1, jnp.int32)
        drawn = jax.lax.scan(step, start, (placed, noise))[1]
        return jnp.where(mask, drawn, 0)

    def _placed(self, mask: Bool[Array, " n"]) -> Float[Array, "n width"]:
        start, end = ends(mask)
        return self.places[0][start] + self.places[1][end]


def known(text: Batch) -> tuple[Int[Array, " n"], Bool[Array, " n"]]:
    """Tokens, 0 for padding, and mask of a `text`."""
    mask = jnp.ones(text.inputs.shape, bool) if text.mask is None else text.mask
    return jnp.where(mask, text.inputs, 0).astype(jnp.int32), mask


def ends(mask: Bool[Array, " n"]) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """How many positions of the text lie before each position of `mask`, and how many behind it; 0 for padding."""
    before = jnp.cumsum(mask, dtype=jnp.int32) - 1
    count = jnp.sum(mask, dtype=jnp.int32)
    return jnp.where(mask, before, 0), jnp.where(mask, count - 1 - before, 0)


def log_likelihood(
    logits: Float[Array, "n tokens"], tokens: Int[Array, " n"], mask: Bool[Array, " n"]
) -> Float[Array, ""]:
    """The summed log-probability of some tokens, nats.

    **Arguments:**

    - `logits`: (n, tokens), of each position.
    - `tokens`: (n,), what stands there.
    - `mask`: (n,), False for positions that do not count.
    """
    found = jnp.take_along_axis(jax.nn.log_softmax(logits, axis=1), tokens[:, None], axis=1)[:, 0]
    return jnp.sum(jnp.where(mask, found, 0.0))
