"""Dependency parsing: the head of every word is to be found."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.models.structured.text_parser import DependencyParser, Row, Sizes, best_tree, trace_log_prob
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.text.packing import UNKNOWN, Packed, RowWords
from vestige.typing import Batch, Key, Metrics

AT_ONCE = 16  # rows that are evaluated together
PICTURED = 8
PICTURED_WORDS = 24


class Sentences(eqx.Module):
    """Packed sentences on the device."""

    rows: Row
    heads: Int[Array, "rows n"]
    known: Bool[Array, " rows"]
    """Whether the heads of a row may be learned from."""

    @classmethod
    def of(cls, found: Packed, known: Bool[np.ndarray, " rows"]) -> "Sentences":
        """From arrays on the host."""
        parts = (found.words, found.suffixes, found.tags, found.sentence)
        return cls(Row(*(jnp.asarray(part) for part in parts)), jnp.asarray(found.heads), jnp.asarray(known))

    def batch(self, which: Int[Array, " some"]) -> Batch:
        """The rows of `which` (some,), as models read them."""
        targets = {"heads": self.heads[which], "known": self.known[which]}
        row = jax.tree.map(lambda part: part[which], self.rows)
        return Batch(row, targets, mask=row.sentence >= 0)


class DependencyParsing(AbstractTask):
    """Sentences with dependency trees, several in a row.

    Metrics, on held-out sentences, all words alike, punctuation too:

    - `uas`: part of the words whose head is found, in the tree of the largest summed score.
    - `exact_parse`: part of the sentences all of whose heads are found.
    - `loss`: -log p of the trace of the true heads, nats a word.
    - `uas_previous`, `uas_next`: where every word hangs on the one before it (right-branching; the first is the root)
      or on the one after it (left-branching; the last is the root).

    **Fields:** `train`, `test`: rows of sentences. `sizes`: of the vocabularies. `labelled_rows`: how many rows to
    train on, the first ones, have trees. `labelled_share`: part of the rows of a batch that are drawn from these; None:
    all rows are equally likely. `left_out`: sentences to train on that were too long for a row. `words`: the words of
    the held-out rows, for pictures.
    """

    train: Sentences
    test: Sentences
    sizes: Sizes = eqx.field(static=True)
    labelled_rows: int = eqx.field(static=True)
    labelled_share: float | None = eqx.field(static=True, default=None)
    left_out: int = eqx.field(static=True, default=0)
    words: RowWords = eqx.field(static=True, default=RowWords(()))

    @property
    def all_known(self) -> bool:
        """Whether all sentences to train on have trees."""
        return self.labelled_rows == self.train.heads.shape[0]

    @property
    def keys(self) -> int:
        """Log-rates of a row."""
        return self.train.heads.shape[1] ** 2

    @property
    def unknown(self) -> int:
        """The number of a word that is not known."""
        return UNKNOWN

    def batch(self, *, size: int, key: Key) -> Batch:
        rows = self.train.heads.shape[0]
        if self.labelled_share is None:
            return self.train.batch(jax.random.randint(key, (size,), 0, rows))
        with_trees = round(self.labelled_share * size)
        key_with, key_without = jax.random.split(key)
        first = jax.random.randint(key_with, (with_trees,), 0, self.labelled_rows)
        rest = jax.random.randint(key_without, (size - with_trees,), self.labelled_rows, rows)
        return self.train.batch(jnp.concatenate([first, rest]))

    def evaluate(self, model: DependencyParser, *, size: int, key: Key) -> Metrics:
        count = self.test.heads.shape[0]
        which = jax.random.permutation(key, count)[:size] if size < count else jnp.arange(count)
        found = self.scored(model, which)
        total = jax.tree.map(jnp.sum, found)
        words, sentences = total.pop("words"), total.pop("sentences")
        exact = total.pop("exact_parse") / sentences
        return {name: value / words for name, value in total.items()} | {"exact_parse": exact}

    def scored(self, model: DependencyParser, which: Int[Array, " some"]) -> dict[str, Float[Array, " some"]]:
        """Sums over the words of rows.

        **Arguments:**

        - `model`: a parser.
        - `which`: (some,), numbers of held-out rows.

        **Returns:** (some,) for each metric, and the numbers of `words` and `sentences`.
        """
        return batched_map(lambda given: _scored(model, given), self.test.batch(which), at_most=AT_ONCE)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance is the better of hanging every word on the one before or after it."""
        simple = max(float(metrics["uas_previous"]), float(metrics["uas_next"]))
        return {"uas": {"best": 1.0, "chance": simple}, "exact_parse": {"best": 1.0}}

    def diagnostics(self, model: DependencyParser, *, size: int, key: Key) -> Evaluation:
        """Metrics on all held-out sentences, and a few parses."""
        metrics = eqx.filter_jit(self.evaluate)(model, size=self.test.heads.shape[0], key=key)
        numbers = {name: float(value) for name, value in metrics.items()}
        return Evaluation(numbers, {}, self.bounds(metrics), self._parses(model))

    def _parses(self, model: DependencyParser) -> dict[str, np.ndarray]:
        """One sentence from each of a few rows, with the heads found and true."""
        written = self.words.rows
        if not written:
            return {}
        rows = np.linspace(0, len(written) - 1, min(PICTURED, len(written))).astype(np.int32)
        texts = self.test.batch(jnp.asarray(rows))
        found = eqx.filter_jit(jax.vmap(lambda row: best_tree(model.log_rates(row, key=None), row.sentence)))(
            texts.inputs
        )
        shape = (len(rows), PICTURED_WORDS + 1)
        words, heads, true = np.full(shape, "", "<U24"), np.full(shape, -1, np.int16), np.full(shape, -1, np.int16)
        for at, row in enumerate(rows):
            sentence = np.asarray(texts.inputs.sentence[at])
            sizes = np.bincount(sentence[sentence > 0])
            fitting = [i for i in range(1, len(sizes)) if sizes[i] <= PICTURED_WORDS]
            if not fitting:
                continue
            places = np.flatnonzero(sentence == fitting[0])
            words[at, 0] = "ROOT"
            words[at, 1 : len(places) + 1] = [written[row][place] for place in places]
            for array, source in ((heads, found[at]), (true, self.test.heads[row])):
                here = np.asarray(source)[places]
                array[at, 1 : len(places) + 1] = np.where(here > 0, here - places[0] + 1, here)
        return {"parse_words": words, "parse_heads": heads, "parse_true": true}


def _scored(model: DependencyParser, given: Batch) -> dict[str, Array]:
    row: Row = given.inputs
    assert given.targets is not None
    heads = given.targets["heads"]
    log_rates = model.log_rates(row, key=None)
    there = row.sentence > 0
    place = jnp.arange(there.shape[0])
    before = jnp.where(row.sentence == jnp.roll(row.sentence, 1), place - 1, 0)
    after = jnp.where(row.sentence == jnp.roll(row.sentence, -1).at[-1].set(-1), place + 1, 0)

    def right(guess: Int[Array, " n"]) -> Float[Array, " n"]:
        return jnp.where(there, (guess == heads).astype(jnp.float32), 0.0)

    found = right(best_tree(log_rates, row.sentence))
    whole = jnp.ones(there.shape[0] + 1).at[jnp.where(there, row.sentence, 0)].min(jnp.where(there, found, 1.0))
    sentences = jnp.max(row.sentence)
    counted = (jnp.arange(there.shape[0] + 1) >= 1) & (jnp.arange(there.shape[0] + 1) <= sentences)
    return {
        "uas": jnp.sum(found),
        "uas_previous": jnp.sum(right(before)),
        "uas_next": jnp.sum(right(after)),
        "loss": -trace_log_prob(log_rates, heads),
        "exact_parse": jnp.sum(jnp.where(counted, whole, 0.0)),
        "words": jnp.sum(there).astype(jnp.float32),
        "sentences": sentences.astype(jnp.float32),
    }
