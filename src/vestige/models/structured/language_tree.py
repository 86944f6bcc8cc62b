"""Texts generated along a random binary tree: the root first, then what lies left and right of it."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.estimators import AbstractEstimator
from vestige.models.structured.language import AbstractLanguageModel, ends, known, log_likelihood
from vestige.models.structured.language_decoder import TreeDecoder
from vestige.models.structured.language_exact import LONGEST, log_sum_over_trees
from vestige.models.structured.objective import ImportanceSamples, importance_samples
from vestige.models.structured.text_layers import Embedding, Recurrence, affine
from vestige.structures import BinaryTree
from vestige.typing import Batch, Key


class TreePrior(eqx.Module):
    """Log-rates of positions by their distance from the start and from the end of a text.

    **Arguments:**

    - `longest`: positions a row.
    """

    start: Float[Array, " longest"]
    end: Float[Array, " longest"]

    def __init__(self, longest: int):
        self.start = self.end = jnp.zeros(longest)

    def __call__(self, mask: Bool[Array, " n"]) -> Float[Array, " n"]:
        start, end = ends(mask)
        return self.start[start] + self.end[end]


class TreeEncoder(eqx.Module):
    """LSTMs over a text in both directions, and a number for each position.

    **Arguments:**

    - `tokens`: how many kinds.
    - `width`: of embeddings and of the LSTMs, in each direction.
    """

    embedding: Embedding
    forwards: Recurrence
    backwards: Recurrence
    out: eqx.nn.Linear

    def __init__(self, tokens: int, width: int, *, key: Key):
        keys = jax.random.split(key, 4)
        self.embedding = Embedding(tokens, width, key=keys[0])
        self.forwards = Recurrence(width, width, key=keys[1])
        self.backwards = Recurrence(width, width, backwards=True, key=keys[2])
        self.out = eqx.nn.Linear(2 * width, 1, key=keys[3])

    def __call__(self, tokens: Int[Array, " n"], mask: Bool[Array, " n"]) -> Float[Array, " n"]:
        """A number for each position.

        **Arguments:**

        - `tokens`: (n,).
        - `mask`: (n,), False for padding, whose numbers mean nothing.
        """
        embedded = self.embedding(tokens)
        last = mask & ~jnp.concatenate([mask[1:], jnp.zeros(1, bool)])
        both = jnp.concatenate([self.forwards(embedded, ~mask), self.backwards(embedded, ~mask | last)], axis=1)
        return affine(self.out, both)[:, 0]


class TreeLanguageModel(AbstractLanguageModel):
    """p(x) = Σ_T p(T) Π_i p(x_i | tokens of the ancestors of i in T): a binary tree over the positions is the order of
    generation. A `StructureModel`: q(T | x) looks at the text, p(T) at its length alone.

    The log-rates of q are those of p and what the encoder adds to them.

    **Arguments:**

    - `encoder`: adds to the log-rates of a text.
    - `decoder`: of tokens along a tree.
    - `prior`: the log-rates of p(T); None: all equal.
    - `estimator`: of the gradient in the rates.
    """

    latent: ClassVar[tuple[str, ...]] = ("encoder",)
    """The fields that the log-rates of q are made of, for optimisers."""

    encoder: TreeEncoder
    decoder: TreeDecoder
    prior_rates: TreePrior | None
    estimator: AbstractEstimator

    def posterior(self, example: Batch) -> BinaryTree:
        tokens, mask = known(example)
        return BinaryTree(self._rates(mask) + self.encoder(tokens, mask), mask=mask)

    def prior(self, example: Batch) -> BinaryTree:
        _, mask = known(example)
        return BinaryTree(self._rates(mask), mask=mask)

    def log_likelihood(self, value: Float[Array, "n n"], example: Batch) -> Float[Array, ""]:
        """log p(example | tree), nats.

        **Arguments:**

        - `value`: (n, n), the children of each position.
        - `example`: one text.
        """
        tokens, mask = known(example)
        return log_likelihood(self.decoder(tokens, mask, value), tokens, mask)

    def orders(self, text: Batch, *, samples: int, key: Key) -> ImportanceSamples:
        return importance_samples(self, text, samples=samples, key=key)

    def log_prob(self, text: Batch) -> Float[Array, ""]:
        tokens, mask = known(text)
        if tokens.shape[0] > LONGEST:
            raise ValueError(
                f"TreeLanguageModel: log_prob sums over all binary trees, for at most {LONGEST} positions; got "
                f"{tokens.shape[0]}. Use orders, with many samples"
            )
        return log_sum_over_trees(self.decoder, self._rates(mask), tokens)

    def generate(self, mask: Bool[Array, " n"], *, key: Key) -> Int[Array, " n"]:
        key_tree, key_tokens = jax.random.split(key)
        tree = BinaryTree(self._rates(mask), mask=mask).sample(key=key_tree)
        return self.decoder.generate(mask, jax.lax.stop_gradient(tree.value), key=key_tokens)

    def _rates(self, mask: Bool[Array, " n"]) -> Float[Array, " n"]:
        return jnp.zeros(mask.shape[0]) if self.prior_rates is None else self.prior_rates(mask)
