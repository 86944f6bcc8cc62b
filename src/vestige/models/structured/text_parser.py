"""A dependency parser: an arborescence over the words of a sentence, given or latent."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.estimators import AbstractEstimator, expect_trace
from vestige.models.structured.text_layers import Embedding, Recurrence, affine, dropped, maybe_split
from vestige.structures import AbstractStructure, Arborescence
from vestige.typing import Batch, Key, Metrics


class Row(NamedTuple):
    """Sentences in a row behind one root, the `inputs` of a batch. Position 0 is the root."""

    words: Int[Array, "*batch n"]
    suffixes: Int[Array, "*batch n"]
    tags: Int[Array, "*batch n"]
    sentence: Int[Array, "*batch n"]
    """Which sentence a word belongs to, from 1; 0 for the root, -1 for padding."""


class Sizes(NamedTuple):
    """How many numbers there are for words, endings and tags."""

    words: int
    suffixes: int
    tags: int


class DependencyParser(eqx.Module):
    """Two layers of LSTMs in both directions and a biaffine score of every arc (Dozat and Manning 2017); the scores are
    log-rates of an arborescence. No arc joins two sentences of a row: its arborescence is one for each of them, and its
    probability their product.

    A given tree is learned by the probability of its trace without contractions, each word choosing its head at once:
    Σ_v log softmax_u(score_uv), a lower bound of the tree's own, to which other traces lead too. From sentences without
    trees it learns by reconstruction: a table gives the tag of a word from that of its head and the direction,
    and E[-log p(tags | T) + w log q(T)] is minimised over the trace T (w is `entropy`).

    **Arguments:**

    - `sizes`: of the vocabularies.
    - `width`: of the LSTMs, in each direction, and of a word's embedding.
    - `arcs`: width of the two views of a word, as head and as dependent.
    - `use_tags`: whether it is given the tags of the words.
    - `dropout`, `word_dropout`: in training, of numbers and of whole words, which become unknown ones.
    - `estimator`: of the gradient for sentences without trees; None: all have trees.
    - `unlabelled`: weight of sentences without trees.
    - `entropy`: weight of log q(T) in their cost. 1: an evidence bound, all traces equally likely before. 0: expected
        reconstruction alone, a bound of log E_q[p(tags | T)], which the CRF autoencoder maximises.
    """

    words: Embedding
    suffixes: Embedding
    tags: Embedding | None
    layers: list[tuple[Recurrence, Recurrence]]
    head: eqx.nn.Linear
    dependent: eqx.nn.Linear
    bilinear: Float[Array, "arcs arcs"]
    prior: Float[Array, " arcs"]
    emission: Float[Array, "tags directions tags"]
    estimator: AbstractEstimator | None
    dropout: float = eqx.field(static=True)
    word_dropout: float = eqx.field(static=True)
    unlabelled: float = eqx.field(static=True)
    entropy: float = eqx.field(static=True)
    unknown: int = eqx.field(static=True)

    def __init__(
        self,
        sizes: Sizes,
        *,
        width: int,
        arcs: int,
        use_tags: bool,
        dropout: float,
        word_dropout: float,
        estimator: AbstractEstimator | None,
        unlabelled: float,
        entropy: float,
        unknown: int,
        key: Key,
    ):
        keys = iter(jax.random.split(key, 12))
        self.words = _calm(Embedding(sizes.words, width, key=next(keys)))
        self.suffixes = _calm(Embedding(sizes.suffixes, width // 2, key=next(keys)))
        self.tags = _calm(Embedding(sizes.tags, width // 2, key=next(keys))) if use_tags else None
        first = width + (width // 2) * (2 if use_tags else 1)
        self.layers = []
        for size in (first, 2 * width):
            there = Recurrence(size, width, key=next(keys))
            back = Recurrence(size, width, backwards=True, key=next(keys))
            self.layers.append((there, back))
        self.head = eqx.nn.Linear(2 * width, arcs, key=next(keys))
        self.dependent = eqx.nn.Linear(2 * width, arcs, key=next(keys))
        self.bilinear = jnp.zeros((arcs, arcs))
        self.prior = jnp.zeros(arcs)
        self.emission = jnp.zeros((sizes.tags, 2, sizes.tags))
        self.estimator = estimator
        self.dropout, self.word_dropout = dropout, word_dropout
        self.unlabelled, self.entropy = unlabelled, entropy
        self.unknown = unknown

    def log_rates(self, row: Row, *, key: Key | None) -> Float[Array, "n n"]:
        """The score of each arc, entry (u, v) for the head u of v; -inf for arcs that cannot be.

        **Arguments:**

        - `row`: one row of sentences.
        - `key`: of dropout; None: there is none.
        """
        keys = maybe_split(key, 5)
        starts = jnp.concatenate([jnp.ones(1, bool), row.sentence[1:] != row.sentence[:-1]])
        ends = jnp.concatenate([row.sentence[1:] != row.sentence[:-1], jnp.ones(1, bool)])
        padding = row.sentence < 0
        x = dropped(self._embedded(row, keys[0]), self.dropout, keys[1])
        for (there, back), key_layer in zip(self.layers, keys[2:4], strict=True):
            x = jnp.concatenate([there(x, starts | padding), back(x, ends | padding)], axis=1)
            x = dropped(x, self.dropout, key_layer)
        views = maybe_split(keys[4], 2)
        heads, dependents = (
            dropped(jax.nn.leaky_relu(affine(view, x), 0.1), self.dropout, k)
            for view, k in zip((self.head, self.dependent), views, strict=True)
        )
        scores = heads @ self.bilinear @ dependents.T + (heads @ self.prior)[:, None]
        return jnp.where(possible(row.sentence), scores, -jnp.inf)

    def loss(self, row: Row, heads: Int[Array, " n"], known: Bool[Array, ""], *, key: Key) -> Float[Array, ""]:
        """What is minimised on a row, nats.

        **Arguments:**

        - `row`: one row of sentences.
        - `heads`: (n,), places of the heads; -1 for the root and padding.
        - `known`: whether the heads may be looked at.
        - `key`: of dropout and draws.
        """
        key_scores, key_draws = jax.random.split(key)
        log_rates = self.log_rates(row, key=key_scores)
        given = -trace_log_prob(log_rates, heads)
        if self.estimator is None:
            return jnp.where(known, given, 0.0)
        costs = self.reconstruction(row)
        tree = (jnp.arange(heads.shape[0])[:, None] == heads[None, :]).astype(costs.dtype)
        structure = self.structure(row, log_rates)
        held = jax.lax.stop_gradient(structure)  # the mean of the slope of log q is zero: it would be noise

        def cost(value: Float[Array, "..."], trace: Any) -> Float[Array, ""]:
            return jnp.sum(self.arcs(value) * costs) + self.entropy * held.log_prob(trace)

        latent = expect_trace(cost, structure, estimator=self.estimator, key=key_draws)
        return jnp.where(known, given + self.unlabelled * jnp.sum(tree * costs), self.unlabelled * latent)

    def structure(self, row: Row, log_rates: Float[Array, "n n"]) -> AbstractStructure[Any]:
        """What is drawn where no tree is given.

        **Arguments:**

        - `row`: one row of sentences.
        - `log_rates`: (n, n), entry (u, v) for the head u of v.

        **Returns:** an arborescence, which is one for each sentence.
        """
        return Arborescence(log_rates, 0, mask=row.sentence >= 0)

    def arcs(self, value: Float[Array, "..."]) -> Float[Array, "n n"]:
        """The arcs of a draw.

        **Arguments:**

        - `value`: of the structure.

        **Returns:** (n, n), entry (u, v) for the head u of v.
        """
        return value

    def reconstruction(self, row: Row) -> Float[Array, "n n"]:
        """-log p(tag of v | tag of u, whether v follows u), entry (u, v), nats.

        **Arguments:**

        - `row`: one row of sentences.
        """
        n = row.tags.shape[0]
        follows = (jnp.arange(n)[:, None] < jnp.arange(n)[None, :]).astype(jnp.int32)
        table = -jax.nn.log_softmax(self.emission, axis=2)
        return table[row.tags[:, None], follows, row.tags[None, :]]

    def _embedded(self, row: Row, key: Key | None) -> Float[Array, "n width"]:
        words = row.words
        if key is not None and self.word_dropout > 0:
            lost = jax.random.bernoulli(key, self.word_dropout, words.shape)
            words = jnp.where(lost & (row.sentence > 0), self.unknown, words)
        parts = [self.words(words), self.suffixes(row.suffixes)]
        if self.tags is not None:
            parts.append(self.tags(row.tags))
        return jnp.concatenate(parts, axis=1)


def objective(model: DependencyParser, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """The loss of `model` on one row, `example`, a word, negated: an `Objective` for the rule `gradient`."""
    assert example.targets is not None
    row, targets = example.inputs, example.targets
    loss = model.loss(row, targets["heads"], targets["known"], key=key) / (row.words.shape[0] - 1)
    return -loss, {"loss": loss}


def possible(sentence: Int[Array, " n"]) -> Bool[Array, "n n"]:
    """Which arcs (u, v) there may be: from the root or a word of the same sentence, to a word.

    **Arguments:**

    - `sentence`: (n,), from 1; 0 for the root, -1 for padding.
    """
    n = sentence.shape[0]
    same = (sentence[:, None] == sentence[None, :]) | (sentence == 0)[:, None]
    return same & (sentence > 0)[None, :] & ~jnp.eye(n, dtype=bool)


def trace_log_prob(log_rates: Float[Array, "n n"], heads: Int[Array, " n"]) -> Float[Array, ""]:
    """log p of the trace in which every word takes its head at once and nothing is contracted, nats: what
    `Arborescence.log_prob` is of that trace, without running the algorithm. O(n²).

    **Arguments:**

    - `log_rates`: (n, n), -inf for arcs that cannot be.
    - `heads`: (n,), of a tree; -1 for the root and for padding.
    """
    there = heads >= 0
    safe = jnp.where(there[None, :], log_rates, 0.0)
    chosen = jnp.take_along_axis(safe, jnp.maximum(heads, 0)[None, :], axis=0)[0]
    return jnp.sum(jnp.where(there, chosen - jax.nn.logsumexp(safe, axis=0), 0.0))


def best_tree(log_rates: Float[Array, "n n"], sentence: Int[Array, " n"]) -> Int[Array, " n"]:
    """The heads of the trees whose summed log-rates are largest among those in which each sentence has one root.

    Chu-Liu/Edmonds on costs in place of times: a root costs more than all else together can save.

    **Arguments:**

    - `log_rates`: (n, n), -inf for arcs that cannot be.
    - `sentence`: (n,), from 1; 0 for the root, -1 for padding.

    **Returns:** (n,), places of the heads, -1 for the root and for padding.
    """
    n = sentence.shape[0]
    there = log_rates > -jnp.inf
    most = jnp.max(log_rates, initial=-jnp.inf, where=there)
    least = jnp.min(log_rates, initial=jnp.inf, where=there)
    costs = 1.0 + jnp.where(there, most - log_rates, 0.0)
    costs = costs + jnp.where((sentence == 0)[:, None], n * (1.0 + most - least), 0.0)
    structure = Arborescence(jnp.where(there, 0.0, -jnp.inf).astype(log_rates.dtype), 0, mask=sentence >= 0)
    value = structure.value(structure.run(jnp.where(there, jnp.log(costs), jnp.inf)))
    return jnp.where(jnp.any(value > 0, axis=0), jnp.argmax(value, axis=0), -1)


def _calm(embedding: Embedding) -> Embedding:
    """With numbers of a tenth of the size."""
    return eqx.tree_at(lambda e: e.table, embedding, 0.1 * embedding.table)
