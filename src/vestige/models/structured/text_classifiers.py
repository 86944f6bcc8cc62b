"""Classifiers of texts: along latent arcs, along given ones, and with a recurrence alone."""

import abc
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.estimators import AbstractEstimator, expect
from vestige.models.structured.text_arcs import AbstractArcs
from vestige.models.structured.text_layers import Embedding, Recurrence, check_row, dropped, maybe_split
from vestige.models.structured.text_messages import MessageClassifier
from vestige.models.structured.text_scorer import ArcScorer
from vestige.typing import Batch, Key, Metrics


class Reading(NamedTuple):
    """What a classifier makes of a text."""

    logits: Float[Array, " classes"]
    arcs: Float[Array, "n n"] | None
    """Along which messages went, entry (u, v) for the head u of v; None for a classifier without arcs."""


class AbstractTextClassifier(eqx.Module):
    """A classifier of one text: `inputs` are numbers of tokens (n,), `mask` (n,), `targets` the class and the heads."""

    @abc.abstractmethod
    def loss(self, text: Batch, *, key: Key) -> Float[Array, ""]:
        """The cross entropy that is minimised, an expectation over what is latent.

        **Arguments:**

        - `text`: one text, with its class.
        - `key`: of draws and dropout.

        **Returns:** one number, nats, with its gradient.
        """

    @abc.abstractmethod
    def read(self, text: Batch, *, key: Key | None) -> Reading:
        """Classify a text, without dropout.

        **Arguments:**

        - `text`: one text.
        - `key`: of a draw of what is latent; None: the structure at the mean arrival times (`mode`).

        **Returns:** logits and arcs.
        """


def objective(model: AbstractTextClassifier, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """The cross entropy of `model` on one text, `example`, negated: an `Objective` for the rule `gradient`."""
    loss = model.loss(example, key=key)
    return -loss, {"loss": loss}


def cross_entropy(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """-log softmax(`logits`) at `label`, nats."""
    return -jax.nn.log_softmax(logits)[label]


class LatentArcs(AbstractTextClassifier):
    """Arcs are drawn from scores and a classifier sends messages along them; E[cross entropy] is minimised, scores
    by the estimator's gradient, the classifier by its own.

    **Arguments:**

    - `scorer`: of arcs.
    - `classifier`: reads the text along the arcs.
    - `estimator`: of the gradient for the scores.
    - `arcs`: which structure.
    - `exploration`: weight of the entropy of the heads, which is maximised beside: Σ_v H(softmax_u score_uv), nats.
    """

    latent: ClassVar[tuple[str, ...]] = ("scorer",)
    """The fields that the log-rates are made of, for optimisers."""
    annealed: ClassVar[tuple[str, ...]] = ("exploration",)
    """The fields that an optimiser may let fall to zero; no gradient reaches them."""

    scorer: ArcScorer
    classifier: MessageClassifier
    estimator: AbstractEstimator
    arcs: AbstractArcs
    exploration: Float[Array, ""]

    def loss(self, text: Batch, *, key: Key) -> Float[Array, ""]:
        tokens, mask = text.inputs, text.mask
        assert mask is not None and text.targets is not None
        key_scores, key_messages, key_draws = jax.random.split(key, 3)
        scores = self.scorer(tokens, mask, key=key_scores)
        structure = self.arcs.structure(scores, mask)

        label = text.targets["label"]

        def cost(value: Float[Array, "..."]) -> Float[Array, ""]:
            logits = self.classifier(tokens, self.arcs.adjacency(value), mask, key=key_messages)
            return cross_entropy(logits, label)

        loss = expect(cost, structure, estimator=self.estimator, key=key_draws)
        return loss - without_value(jax.lax.stop_gradient(self.exploration) * entropy_of_heads(scores, mask))

    def read(self, text: Batch, *, key: Key | None) -> Reading:
        tokens, mask = text.inputs, text.mask
        assert mask is not None
        check_row("LatentArcs", tokens, mask, kinds=self.scorer.embedding.table.shape[0])
        structure = self.arcs.structure(self.scorer(tokens, mask, key=None), mask)
        draw = structure.mode() if key is None else structure.sample(key=key)
        arcs = self.arcs.adjacency(draw.value)
        return Reading(self.classifier(tokens, arcs, mask, key=None), arcs)


class GivenArcs(AbstractTextClassifier):
    """Messages along the true arcs: what could be reached if they were known.

    **Arguments:** `classifier`: reads the text along the arcs.
    """

    classifier: MessageClassifier

    def loss(self, text: Batch, *, key: Key) -> Float[Array, ""]:
        assert text.mask is not None and text.targets is not None
        logits = self.classifier(text.inputs, as_arcs(text.targets["heads"]), text.mask, key=key)
        return cross_entropy(logits, text.targets["label"])

    def read(self, text: Batch, *, key: Key | None) -> Reading:
        assert text.mask is not None and text.targets is not None
        arcs = as_arcs(text.targets["heads"])
        return Reading(self.classifier(text.inputs, arcs, text.mask, key=None), arcs)


class RecurrentClassifier(AbstractTextClassifier):
    """An LSTM from left to right; its last state is classified. No arcs.

    **Arguments:**

    - `tokens`, `classes`: how many kinds.
    - `width`: of all layers.
    - `dropout`: of the last state, in training.
    """

    embedding: Embedding
    recurrence: Recurrence
    decoder: eqx.nn.MLP
    dropout: float = eqx.field(static=True)

    def __init__(self, tokens: int, classes: int, width: int, dropout: float, *, key: Key):
        keys = jax.random.split(key, 3)
        self.embedding = Embedding(tokens, width, key=keys[0])
        self.recurrence = Recurrence(width, width, key=keys[1])
        self.decoder = eqx.nn.MLP(width, classes, width, 2, key=keys[2])
        self.dropout = dropout

    def loss(self, text: Batch, *, key: Key) -> Float[Array, ""]:
        assert text.targets is not None
        return cross_entropy(self._logits(text, key), text.targets["label"])

    def read(self, text: Batch, *, key: Key | None) -> Reading:
        return Reading(self._logits(text, None), None)

    def _logits(self, text: Batch, key: Key | None) -> Float[Array, " classes"]:
        mask = text.mask
        assert mask is not None
        states = self.recurrence(self.embedding(text.inputs), ~mask)
        last = states[jnp.maximum(jnp.sum(mask) - 1, 0)]
        return self.decoder(dropped(last, self.dropout, maybe_split(key, 1)[0]))


def entropy_of_heads(scores: Float[Array, "n n"], mask: Bool[Array, " n"]) -> Float[Array, ""]:
    """Σ_v H(softmax_u score_uv), nats: the entropy of the first race of every token but the first.

    **Arguments:**

    - `scores`: (n, n), entry (u, v) for the head u of v.
    - `mask`: (n,), False for padding.
    """
    n = mask.shape[0]
    there = mask[:, None] & mask[None, :] & ~jnp.eye(n, dtype=bool) & (jnp.arange(n) != 0)[None, :]
    log_probs = jax.nn.log_softmax(jnp.where(there, scores, -1e9), axis=0)
    return -jnp.sum(jnp.where(there, jnp.exp(log_probs) * log_probs, 0.0))


def without_value(x: Float[Array, ""]) -> Float[Array, ""]:
    """Zero, with the gradient of `x`: so that a loss that is logged stays what it says."""
    return x - jax.lax.stop_gradient(x)


def as_arcs(heads: Int[Array, " n"]) -> Float[Array, "n n"]:
    """The matrix of arcs, entry (u, v) for the head u of v, that `heads` (n,) say; -1 for none."""
    n = heads.shape[0]
    return (jnp.arange(n)[:, None] == heads[None, :]).astype(jnp.float32)
