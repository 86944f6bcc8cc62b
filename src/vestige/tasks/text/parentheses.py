"""Balanced words of brackets, of which the best perplexity is known."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data.tables import Cells
from vestige.models.structured.language import AbstractLanguageModel
from vestige.models.structured.language_exact import LONGEST
from vestige.models.structured.objective import StructureModel, log_mean
from vestige.numerics import batched_map
from vestige.structures import kl
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.tasks.samples import Sampled, no_sequences
from vestige.tasks.text.dyck import all_words, drawn_word, is_balanced, log_words, written
from vestige.typing import Batch, Key, Metrics

AT_ONCE = 64  # words that are evaluated together
IMPORTANCE_SAMPLES = 50
REPEATS = 4  # evaluations behind the final metrics
MOST_WORDS = 2000  # of which the exact perplexity is a mean over all
PICTURED = 4


class Parentheses(AbstractTask):
    """Balanced words of brackets, of `shortest` to `pairs` pairs: every number is equally likely, and so are all words
    of a length. A model knows the length, and no token ends a word.

    Metrics, over fresh words:

    - `perplexity`: exp of the negative log-probability by token; where something is latent, of a bound of 50 importance
      samples, which makes it an upper bound in the mean. `perplexity_elbo`: of the evidence lower bound.
    - `balanced`: part of the words that a model generates that are balanced.
    - `tree_kl`: KL of the tree given the word from the tree before, nats a word. `tree_depth`: levels of the tree of a
      draw by levels of a path, 1 where every token but the last has one child; `right_children`: part of the children
      that lie right of their parent, 1 from left to right.
    - `perplexity_exact`, at the end of a run, for at most 10 tokens and 2,000 words: of all words, all trees summed.

    The best perplexity is exp(entropy by token), exp((log Catalan(m) + m log kinds) / 2m) for m pairs; at chance all
    tokens are equally likely (notes, section 5.4).

    **Arguments:**

    - `pairs`: at least 1.
    - `shortest`: from 1 to `pairs`.
    - `kinds`: of brackets.
    """

    pairs: int = eqx.field(static=True)
    shortest: int = eqx.field(static=True)
    kinds: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if not 1 <= self.shortest <= self.pairs:
            raise ValueError(
                f"Parentheses: shortest must be from 1 to pairs = {self.pairs}, which is the most, got {self.shortest}"
            )
        if self.kinds < 1:
            raise ValueError(f"Parentheses: kinds must be at least 1, got {self.kinds}")

    @property
    def tokens(self) -> int:
        """How many there are: an opening and a closing one of each kind."""
        return 2 * self.kinds

    @property
    def longest(self) -> int:
        """Positions a row."""
        return 2 * self.pairs

    @property
    def best_perplexity(self) -> float:
        """That of the distribution of the words itself."""
        lengths = range(self.shortest, self.pairs + 1)
        return math.exp(sum(log_words(m, self.kinds) for m in lengths) / (2 * sum(lengths)))

    def batch(self, *, size: int, key: Key) -> Batch:
        def row(number: Array) -> Batch:
            own = jax.random.fold_in(key, number)
            pairs = jnp.full((), self.pairs)
            if self.shortest < self.pairs:
                own, key_pairs = jax.random.split(own)
                pairs = jax.random.randint(key_pairs, (), self.shortest, self.pairs + 1)
            tokens = drawn_word(pairs, self.longest, self.kinds, key=own)
            return Batch(tokens, mask=jnp.arange(self.longest) < 2 * pairs)

        return jax.vmap(row)(jnp.arange(size))

    def evaluate(self, model: AbstractLanguageModel, *, size: int, key: Key) -> Metrics:
        key_words, key_draws = jax.random.split(key)
        words = self.batch(size=size, key=key_words)
        given = words, jax.random.split(key_draws, size)
        found = batched_map(lambda row: self._scores(model, *row), given, at_most=AT_ONCE)
        means = {name: jnp.mean(values) for name, values in found.items()}
        count = means.pop("tokens")
        for name in ("perplexity", "perplexity_elbo"):
            means[name] = jnp.exp(-means[name] / count)
        return means

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """The best is that of who knows the distribution, chance that of who only knows which tokens there are."""
        lengths = range(self.shortest, self.pairs + 1)
        luck = [math.exp(log_words(m, self.kinds) - 2 * m * math.log(self.tokens)) for m in lengths]
        names = [name for name in ("perplexity", "perplexity_elbo", "perplexity_exact") if name in metrics]
        perplexity = {"best": self.best_perplexity, "chance": float(self.tokens)}
        return {
            **dict.fromkeys(names or ["perplexity"], perplexity),
            "balanced": {"best": 1.0, "chance": sum(luck) / len(luck)},
        }

    def diagnostics(self, model: AbstractLanguageModel, *, size: int, key: Key) -> Evaluation:
        """Metrics on `4 * size` words, the exact perplexity where words and trees are few, and a few orders of
        generation."""
        metrics = scalars(evaluate_many(self, model, size, REPEATS, key=key))
        metrics["perplexity_best"] = self.best_perplexity
        if self.longest <= LONGEST and log_words(self.pairs, self.kinds) <= math.log(MOST_WORDS):
            metrics["perplexity_exact"] = self.exact_perplexity(model)
        return Evaluation(metrics, {}, self.bounds(metrics), self._orders(model, key=jax.random.fold_in(key, REPEATS)))

    def exact_perplexity(self, model: AbstractLanguageModel) -> float:
        """That of all words, each weighed by its probability, with all trees over each summed.

        **Arguments:**

        - `model`: of texts.

        **Raises:** `ValueError` where there are too many trees to sum over.
        """
        lengths = range(self.shortest, self.pairs + 1)
        each = [float(_mean_log_prob(model, jnp.asarray(all_words(m, self.kinds)))) for m in lengths]
        return math.exp(-sum(each) / (2 * sum(lengths)))

    def sampled(self, model: AbstractLanguageModel, *, count: int, steps: int | None, given: int, seed: int) -> Sampled:
        """As `vestige.experiments.protocols.GeneratesSamples` says: words of lengths as in training, and in a table
        whether they are balanced.

        **Raises:** `UsageError` for `steps` and `given`: all brackets of a word are generated at once.
        """
        no_sequences(steps, given)
        key_masks, key_words = jax.random.split(jax.random.key(seed))
        masks = self.batch(size=count, key=key_masks).mask
        assert masks is not None
        tokens, sound = _generated(model, masks, self.kinds, jax.random.split(key_words, count))
        words = np.where(np.asarray(masks), written(np.asarray(tokens), self.kinds), "")
        texts, none = tuple("".join(word) for word in words), np.zeros(count, bool)
        columns = {
            "sample": Cells(np.arange(1, count + 1), none),
            "word": Cells(np.array(texts, object), none),
            "balanced": Cells(np.asarray(sound).astype(np.int8), none),
        }
        return Sampled(columns, texts=texts)

    def _scores(self, model: AbstractLanguageModel, word: Batch, key: Key) -> dict[str, Float[Array, ""]]:
        assert word.mask is not None
        mask = word.mask
        key_orders, key_made = jax.random.split(key)
        count = jnp.sum(mask).astype(jnp.float32)
        found = model.orders(word, samples=IMPORTANCE_SAMPLES, key=key_orders)
        made = model.generate(mask, key=key_made)
        depth = jax.vmap(lambda order: _levels(order, mask))(found.values)
        scores = {
            "tokens": count,
            "perplexity": log_mean(found.log_weights),
            "perplexity_elbo": jnp.mean(found.log_weights),
            "balanced": is_balanced(made, mask, self.kinds).astype(jnp.float32),
            "tree_depth": jnp.mean(depth) / count,
            "right_children": jnp.mean(jnp.sum(jnp.triu(found.values), axis=(1, 2))) / jnp.maximum(count - 1.0, 1.0),
        }
        if isinstance(model, StructureModel):
            scores["tree_kl"] = kl(model.posterior(word), model.prior(word))
        return scores

    @eqx.filter_jit
    def _pictured(self, model: AbstractLanguageModel, *, key: Key) -> tuple[Batch, Array]:
        key_words, key_draws = jax.random.split(key)
        words = self.batch(size=PICTURED, key=key_words)
        draw = lambda word, key: model.orders(word, samples=1, key=key).values[0]
        return words, jax.vmap(draw)(words, jax.random.split(key_draws, PICTURED))

    def _orders(self, model: AbstractLanguageModel, *, key: Key) -> dict[str, np.ndarray]:
        words, orders = self._pictured(model, key=key)
        values, mask = np.asarray(orders) > 0, np.asarray(words.mask)
        parents = np.where(values.any(axis=1), values.argmax(axis=1), -1).astype(np.int16)
        return {
            "order_words": np.where(mask, written(np.asarray(words.inputs), self.kinds), ""),
            "order_parents": np.where(mask, parents, -1).astype(np.int16),
        }


@eqx.filter_jit
def _generated(model: AbstractLanguageModel, masks: Array, kinds: int, keys: Key) -> tuple[Array, Array]:
    """A text for each mask, and whether it is balanced."""

    def one(mask: Array, key: Key) -> tuple[Array, Array]:
        tokens = model.generate(mask, key=key)
        return tokens, is_balanced(tokens, mask, kinds)

    return jax.vmap(one)(masks, keys)


@eqx.filter_jit
def _mean_log_prob(model: AbstractLanguageModel, words: Array) -> Float[Array, ""]:
    return jnp.mean(jax.lax.map(lambda tokens: model.log_prob(Batch(tokens)), words, batch_size=2))


def _levels(order: Float[Array, "n n"], mask: Array) -> Float[Array, ""]:
    """How many levels a tree has."""
    n = order.shape[0]
    above = order + jnp.eye(n, dtype=order.dtype)
    for _ in range(max(1, (n - 1).bit_length())):
        above = jnp.minimum(above @ above, 1.0)
    return jnp.max(jnp.where(mask, jnp.sum(above, axis=0), 0.0))
