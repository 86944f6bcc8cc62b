"""Texts with an opinion, of which k words are to be read: those that people would give as the reason?"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.models.structured.text_classifiers import cross_entropy
from vestige.models.structured.text_explainer import Explainer
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate_many
from vestige.tasks.text.opinion_rows import PAD, OpinionRows
from vestige.typing import Batch, Key, Metrics

AT_ONCE = 64  # texts that are evaluated together
REPEATS = 8  # draws for each text behind the final metrics
PICTURED = 6


class WordList:
    """The words of held-out texts as they are written; compared by identity, so that a task stays quick to hash.

    **Arguments:**

    - `texts`: the words of each.
    - `longest`: words a row.
    """

    def __init__(self, texts: tuple[tuple[str, ...], ...], longest: int):
        self.texts, self.longest = texts, longest

    def rows(self, which: Int[np.ndarray, " some"]) -> np.ndarray:
        """The words of some texts, filled up with empty ones.

        **Arguments:**

        - `which`: (some,), numbers of texts.
        """
        found = np.full((len(which), self.longest), "", "<U24")
        for at, row in enumerate(which):
            found[at, : len(self.texts[row])] = self.texts[row]
        return found


class Opinions(eqx.Module):
    """Texts on the device, one a row."""

    words: Int[Array, "rows longest"]
    labels: Int[Array, " rows"]
    marked: Bool[Array, "rows longest"]
    weighty: Bool[Array, "rows longest"]

    @classmethod
    def of(cls, rows: OpinionRows) -> "Opinions":
        """From arrays on the host."""
        return cls(*(jnp.asarray(array) for array in rows))

    def batch(self, which: Int[Array, " some"]) -> Batch:
        """The texts of `which` (some,), numbers of rows, as models read them."""
        words = self.words[which]
        targets = {"label": self.labels[which], "marked": self.marked[which], "weighty": self.weighty[which]}
        return Batch(words, targets, mask=words != PAD)


class Explaining(AbstractTask):
    """Texts with an opinion, of which `k` words are read.

    Metrics, mean over held-out texts:

    - `loss`: cross entropy, nats; `accuracy`: both for a draw of k words.
    - `subset_precision`: part of the words drawn that people marked; `subset_precision_mode`: of the k likeliest.
    - `precision_random`, `precision_tfidf`: of k words drawn evenly, which is the part of the text that is marked, and
      of the k words with the highest tf-idf.

    **Fields:** `train`, `test`: texts. `kinds`: how many words there are. `k`: how many are read. `left_out`: texts of
    fewer than k words, to train and to evaluate on.
    """

    train: Opinions
    test: Opinions
    kinds: int = eqx.field(static=True)
    k: int = eqx.field(static=True)
    left_out: tuple[int, int] = eqx.field(static=True, default=(0, 0))
    written: WordList | None = eqx.field(static=True, default=None)

    @property
    def classes(self) -> int:
        """How many labels."""
        return 2

    @property
    def longest(self) -> int:
        """Words a row."""
        return self.train.words.shape[1]

    def batch(self, *, size: int, key: Key) -> Batch:
        return self.train.batch(jax.random.randint(key, (size,), 0, self.train.labels.shape[0]))

    def evaluate(self, model: Explainer, *, size: int, key: Key) -> Metrics:
        key_rows, key_draws = jax.random.split(key)
        count = self.test.labels.shape[0]
        which = jax.random.permutation(key_rows, count)[:size] if size < count else jnp.arange(count)
        given = self.test.batch(which), jax.random.split(key_draws, which.shape[0])
        found = batched_map(lambda one: _scores(model, *one), given, at_most=AT_ONCE)
        return {name: jnp.mean(scores) for name, scores in found.items()}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance knows which label comes most often, or draws k words evenly."""
        share = float(np.mean(self.train.labels))
        labels = np.asarray(self.test.labels)
        alone = -np.mean(np.where(labels == 1, np.log(share), np.log1p(-share))) if 0 < share < 1 else None
        often = float(np.mean(labels == (share >= 0.5)))
        return {
            "loss": {"best": 0.0, "chance": None if alone is None else float(alone)},
            "accuracy": {"best": 1.0, "chance": often},
            "subset_precision": {"best": None, "chance": float(metrics["precision_random"])},
        }

    def diagnostics(self, model: Explainer, *, size: int, key: Key) -> Evaluation:
        """Metrics on all held-out texts, mean over 8 draws of words for each, and a few of them with the words that are
        read."""
        metrics = evaluate_many(self, model, self.test.labels.shape[0], REPEATS, key=key)
        numbers = {name: float(value) for name, value in metrics.items()}
        return Evaluation(numbers, {}, self.bounds(metrics), self._pictures(model))

    def _pictures(self, model: Explainer) -> dict[str, np.ndarray]:
        if self.written is None:
            return {}
        rows = np.linspace(0, self.test.labels.shape[0] - 1, min(PICTURED, self.test.labels.shape[0])).astype(np.int32)
        texts = self.test.batch(jnp.asarray(rows))
        read = eqx.filter_jit(jax.vmap(lambda text: model.structure(text).mode().value))(texts)
        return {
            "explained_words": self.written.rows(rows),
            "explained_read": np.asarray(read) > 0,
            "explained_marked": np.asarray(self.test.marked)[rows],
        }


def _scores(model: Explainer, text: Batch, key: Key) -> dict[str, Float[Array, ""]]:
    assert text.targets is not None and text.mask is not None
    structure = model.structure(text)
    selected = structure.sample(key=key).value
    logits = model.logits(text, selected)
    marked = text.targets["marked"].astype(selected.dtype)
    label = text.targets["label"]
    return {
        "loss": cross_entropy(logits, label),
        "accuracy": (jnp.argmax(logits) == label).astype(jnp.float32),
        "subset_precision": selected @ marked / model.k,
        "subset_precision_mode": structure.mode().value @ marked / model.k,
        "precision_random": jnp.sum(marked) / jnp.sum(text.mask.astype(marked.dtype)),
        "precision_tfidf": text.targets["weighty"].astype(selected.dtype) @ marked / model.k,
    }
