"""Nested list operations: the value is to be found, and with it, unseen, the tree."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.data.expressions import CLOSING, PAD, VOCABULARY, ExpressionSet
from vestige.models.structured.text_classifiers import AbstractTextClassifier, as_arcs, cross_entropy
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.text.agreement import agreement
from vestige.typing import Batch, Key, Metrics

AT_ONCE = 100  # expressions that are evaluated together
PICTURED = 8


class Expressions(eqx.Module):
    """Expressions on the device, one a row."""

    tokens: Int[Array, "rows longest"]
    heads: Int[Array, "rows longest"]
    values: Int[Array, " rows"]
    depths: Int[Array, " rows"]

    @classmethod
    def of(cls, expressions: ExpressionSet) -> "Expressions":
        """From arrays on the host. **Raises:** `ValueError` where there is none, or a value is no digit."""
        if len(expressions.values) == 0:
            raise ValueError("NestedExpressions: there must be at least one expression to train on and to evaluate on")
        if expressions.values.max() > 9:
            raise ValueError(f"NestedExpressions: values must be from 0 to 9, got {expressions.values.max()}")
        return cls(*(jnp.asarray(array.astype(np.int32)) for array in expressions))

    def rows(self, which: Int[Array, " some"]) -> Batch:
        """Those of `which` (some,), numbers of rows, as models read them."""
        tokens = self.tokens[which]
        return Batch(tokens, {"label": self.values[which], "heads": self.heads[which]}, mask=tokens != PAD)


class NestedExpressions(AbstractTask):
    """Expressions such as `[MAX 2 [MIN 3 4 ] ]`, their values, and their true arcs, which no model is given.

    Metrics, over held-out expressions; those of arcs are of a model that has some, mean over expressions:

    - `accuracy`: part of the values that are found. `loss`: cross entropy, nats. Arcs are drawn.
    - `arc_precision`, `arc_recall`: of the arcs drawn. `clean_precision`, `clean_recall`: without the arcs of closing
      brackets. `exact_parse`: part of the expressions all of whose arcs are true.
    - `accuracy_mode`, `arc_precision_mode`, `clean_precision_mode`, `exact_parse_mode`: with the structure at the mean
      arrival times in place of a draw.

    **Fields:** `train`, `test`: expressions, in rows of one length.
    """

    train: Expressions
    test: Expressions

    @property
    def kinds(self) -> int:
        """How many tokens there are."""
        return len(VOCABULARY)

    @property
    def classes(self) -> int:
        """How many values."""
        return 10

    @property
    def longest(self) -> int:
        """Tokens a row."""
        return self.train.tokens.shape[1]

    def batch(self, *, size: int, key: Key) -> Batch:
        return self.train.rows(jax.random.randint(key, (size,), 0, self.train.values.shape[0]))

    def evaluate(self, model: AbstractTextClassifier, *, size: int, key: Key) -> Metrics:
        key_rows, key_draws = jax.random.split(key)
        held_out = self.test.values.shape[0]
        rows = jax.random.permutation(key_rows, held_out)[:size] if size < held_out else jnp.arange(held_out)
        return {name: jnp.mean(scores) for name, scores in self.scores(model, rows, key=key_draws).items()}

    def scores(
        self, model: AbstractTextClassifier, rows: Int[Array, " some"], *, key: Key
    ) -> dict[str, Float[Array, " some"]]:
        """The metrics of single held-out expressions.

        **Arguments:**

        - `model`: a classifier.
        - `rows`: (some,), which expressions.

        **Returns:** (some,) for each metric.
        """

        def one(given: tuple[Batch, Key]) -> dict[str, Array]:
            text, key = given
            return _scores(model, text, key, "") | _scores(model, text, None, "_mode")

        texts = self.test.rows(rows)
        return batched_map(one, (texts, jax.random.split(key, rows.shape[0])), at_most=AT_ONCE)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance knows how often each value comes, and of arcs that all tokens may hang on the first one: right for
        depth 1."""
        values = np.asarray(self.test.values)
        often = np.bincount(np.asarray(self.train.values), minlength=10)
        share = (often + 1) / (often + 1).sum()
        found: dict[str, Any] = {
            "accuracy": {"best": 1.0, "chance": float(np.mean(values == often.argmax()))},
            "loss": {"best": 0.0, "chance": float(-np.mean(np.log(share[values])))},
        }
        stars = {name: {"best": 1.0, "chance": score} for name, score in self._stars().items()}
        return found | {name: bound for name, bound in stars.items() if name in metrics}

    def _stars(self) -> dict[str, float]:
        """The metrics of arcs where all tokens hang on the first one."""
        heads, tokens, depths = (np.asarray(x) for x in (self.test.heads, self.test.tokens, self.test.depths))
        there, right = heads >= 0, heads == 0
        clean = there & (tokens != CLOSING)
        whole, without_brackets = (_share(right, of) for of in (there, clean))
        found = {f"arc_precision_depth_{depth}": float(whole[depths == depth].mean()) for depth in np.unique(depths)}
        for ending in ("", "_mode"):
            found[f"arc_precision{ending}"] = float(whole.mean())
            found[f"clean_precision{ending}"] = float(without_brackets.mean())
            found[f"exact_parse{ending}"] = float((whole == 1).mean())
        return found | {f"{kind}_recall": found[f"{kind}_precision"] for kind in ("arc", "clean")}

    def diagnostics(self, model: AbstractTextClassifier, *, size: int, key: Key) -> Evaluation:
        """Metrics on all held-out expressions, by depth too, and a few parses."""
        every = jnp.arange(self.test.values.shape[0])
        scores = eqx.filter_jit(self.scores)(model, every, key=key)
        depths = np.asarray(self.test.depths)
        metrics = {name: float(jnp.mean(score)) for name, score in scores.items()}
        for depth in np.unique(depths):
            for name in ("accuracy", "arc_precision"):
                if name in scores:
                    metrics[f"{name}_depth_{depth}"] = float(np.mean(np.asarray(scores[name])[depths == depth]))
        return Evaluation(metrics, {}, self.bounds(metrics), self._parses(model))

    def _parses(self, model: AbstractTextClassifier) -> dict[str, np.ndarray]:
        """Held-out expressions, evenly spaced from the least to the most nested, with their arcs found and true."""
        count = min(PICTURED, self.test.values.shape[0])
        rows = jnp.asarray(np.linspace(0, self.test.values.shape[0] - 1, count).astype(np.int32))
        texts = self.test.rows(rows)
        reading = eqx.filter_jit(jax.vmap(lambda text: model.read(text, key=None)))(texts)
        if reading.arcs is None:
            return {}
        found = np.asarray(jnp.where(jnp.any(reading.arcs > 0, axis=1), jnp.argmax(reading.arcs, axis=1), -1))
        words = np.array(VOCABULARY)[np.asarray(texts.inputs)]
        return {
            "parse_words": words,
            "parse_heads": found.astype(np.int16),
            "parse_true": np.asarray(self.test.heads[rows]).astype(np.int16),
        }


def _share(right: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Of the places of each row, the part that is right; 1 where there are none."""
    count = of.sum(axis=1)
    return np.where(count > 0, (right & of).sum(axis=1) / np.maximum(count, 1), 1.0)


def _scores(model: AbstractTextClassifier, text: Batch, key: Key | None, ending: str) -> dict[str, Array]:
    assert text.targets is not None and text.mask is not None
    reading = model.read(text, key=key)
    label = text.targets["label"]
    found: dict[str, Array] = {f"accuracy{ending}": (jnp.argmax(reading.logits) == label).astype(jnp.float32)}
    if key is not None:
        found["loss"] = cross_entropy(reading.logits, label)
    if reading.arcs is None:
        return found if key is not None else {}
    true = as_arcs(text.targets["heads"])
    whole = agreement(reading.arcs, true)
    clean = agreement(reading.arcs, true, text.mask & (text.inputs != CLOSING))
    found |= {f"arc_precision{ending}": whole.precision, f"clean_precision{ending}": clean.precision}
    if key is not None:
        found |= {"arc_recall": whole.recall, "clean_recall": clean.recall}
    return found | {f"exact_parse{ending}": whole.exact}
