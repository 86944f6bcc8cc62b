"""A classifier of texts that reads k words, which are chosen by what it is to explain (Chen et al. 2018, L2X)."""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.estimators import AbstractEstimator, expect
from vestige.models.structured.text_classifiers import cross_entropy, without_value
from vestige.models.structured.text_layers import Embedding, affine
from vestige.structures import Subset
from vestige.typing import Batch, Key, Metrics

WINDOW = 3
"""Words that a convolution sees at once."""


class AbstractSelector(eqx.Module):
    """From a text to a log-rate for each of its words."""

    @abc.abstractmethod
    def __call__(self, words: Int[Array, " n"], mask: Bool[Array, " n"]) -> Float[Array, " n"]:
        """The log-rates.

        **Arguments:**

        - `words`: (n,), numbers.
        - `mask`: (n,), False for padding.

        **Returns:** (n,), of which those of padding mean nothing.
        """


class Convolution(eqx.Module):
    """A layer over windows of words, rectified.

    **Arguments:** `inputs`, `outputs`: widths.
    """

    weight: Float[Array, "window inputs outputs"]
    bias: Float[Array, " outputs"]

    def __init__(self, inputs: int, outputs: int, *, key: Key):
        self.weight = jax.random.normal(key, (WINDOW, inputs, outputs)) * (2.0 / (WINDOW * inputs)) ** 0.5
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: Float[Array, "n inputs"]) -> Float[Array, "n outputs"]:
        around = jnp.pad(x, ((WINDOW // 2, WINDOW // 2), (0, 0)))
        n = x.shape[0]
        seen = sum(around[i : i + n] @ self.weight[i] for i in range(WINDOW))
        return jax.nn.relu(seen + self.bias[None, :])


class SimpleSelector(AbstractSelector):
    """One convolution over the words.

    **Arguments:** `kinds`: of words; `width`: of the layers.
    """

    embedding: Embedding
    layer: Convolution
    out: eqx.nn.Linear

    def __init__(self, kinds: int, width: int, *, key: Key):
        keys = jax.random.split(key, 3)
        self.embedding = Embedding(kinds, width, key=keys[0])
        self.layer = Convolution(width, width, key=keys[1])
        self.out = eqx.nn.Linear(width, 1, key=keys[2])

    def __call__(self, words: Int[Array, " n"], mask: Bool[Array, " n"]) -> Float[Array, " n"]:
        hidden = self.layer(jnp.where(mask[:, None], self.embedding(words), 0.0))
        return affine(self.out, hidden)[:, 0]


class ComplexSelector(AbstractSelector):
    """Two local convolutions beside the maximum of one over the whole text, joined (the L2X explainer).

    **Arguments:** `kinds`: of words; `width`: of the layers.
    """

    embedding: Embedding
    first: Convolution
    local: Convolution
    around: eqx.nn.Linear
    joined: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, kinds: int, width: int, *, key: Key):
        keys = jax.random.split(key, 6)
        self.embedding = Embedding(kinds, width, key=keys[0])
        self.first = Convolution(width, width, key=keys[1])
        self.local = Convolution(width, width, key=keys[2])
        self.around = eqx.nn.Linear(width, width, key=keys[3])
        self.joined = eqx.nn.Linear(2 * width, width, key=keys[4])
        self.out = eqx.nn.Linear(width, 1, key=keys[5])

    def __call__(self, words: Int[Array, " n"], mask: Bool[Array, " n"]) -> Float[Array, " n"]:
        first = jnp.where(mask[:, None], self.first(jnp.where(mask[:, None], self.embedding(words), 0.0)), 0.0)
        whole = jax.nn.relu(self.around(jnp.max(first, axis=0)))
        both = jnp.concatenate([self.local(first), jnp.broadcast_to(whole[None, :], first.shape)], axis=1)
        hidden = jax.nn.relu(affine(self.joined, both))
        return affine(self.out, hidden)[:, 0]


class Explainer(eqx.Module):
    """k words are drawn from log-rates, and a classifier sees them alone, in no order: E[cross entropy] is minimised.

    The classifier has an embedding of its own: a word says to it nothing but which word it is.

    **Arguments:**

    - `selector`: gives the log-rates.
    - `kinds`, `classes`: how many words and labels there are.
    - `width`: of the classifier.
    - `k`: how many words.
    - `estimator`: of the gradient for the selector.
    - `exploration`: weight of the entropy of the first word that is drawn, which is maximised beside.
    """

    latent: ClassVar[tuple[str, ...]] = ("selector",)
    """The fields that the log-rates are made of, for optimisers."""
    annealed: ClassVar[tuple[str, ...]] = ("exploration",)
    """The fields that an optimiser may let fall to zero; no gradient reaches them."""

    selector: AbstractSelector
    embedding: Embedding
    decoder: eqx.nn.MLP
    estimator: AbstractEstimator
    exploration: Float[Array, ""]
    k: int = eqx.field(static=True)

    def __init__(
        self,
        selector: AbstractSelector,
        kinds: int,
        classes: int,
        width: int,
        k: int,
        estimator: AbstractEstimator,
        exploration: float = 0.0,
        *,
        key: Key,
    ):
        keys = jax.random.split(key, 2)
        self.embedding = Embedding(kinds, width, key=keys[0])
        self.decoder = eqx.nn.MLP(width, classes, width, 1, key=keys[1])
        self.selector, self.estimator, self.k = selector, estimator, k
        self.exploration = jnp.array(exploration)

    def structure(self, text: Batch) -> Subset:
        """The distribution of the words that are read.

        **Arguments:**

        - `text`: `inputs` (n,), numbers of words, and `mask` (n,).
        """
        assert text.mask is not None
        return Subset(self.selector(text.inputs, text.mask), self.k, mask=text.mask)

    def logits(self, text: Batch, selected: Float[Array, " n"]) -> Float[Array, " classes"]:
        """What the classifier makes of some words.

        **Arguments:**

        - `text`: `inputs` (n,), numbers of words.
        - `selected`: (n,), 1 for words that are read, 0 for the others; or what a relaxation puts in its place.
        """
        return self.decoder(selected @ self.embedding(text.inputs) / self.k)

    def loss(self, text: Batch, *, key: Key) -> Float[Array, ""]:
        """The expected cross entropy, nats.

        **Arguments:**

        - `text`: with its label.
        - `key`: of the draws.
        """
        assert text.targets is not None
        label = text.targets["label"]
        cost = lambda selected: cross_entropy(self.logits(text, selected), label)
        structure = self.structure(text)
        loss = expect(cost, structure, estimator=self.estimator, key=key)
        there = structure.log_rates > -jnp.inf
        log_probs = jax.nn.log_softmax(jnp.where(there, structure.log_rates, -1e9))
        entropy = -jnp.sum(jnp.where(there, jnp.exp(log_probs) * log_probs, 0.0))
        return loss - without_value(jax.lax.stop_gradient(self.exploration) * entropy)


def objective(model: Explainer, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
    """The expected cross entropy of `model` on one text, `example`, negated: an `Objective` for the rule `gradient`."""
    loss = model.loss(example, key=key)
    return -loss, {"loss": loss}
