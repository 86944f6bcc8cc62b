"""Parity recall: digits, then for each of the first of them whether it was even."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.tasks.appended import AbstractAppended
from vestige.tasks.classifier import DigitClassifier
from vestige.tasks.digits import digit_labels
from vestige.tasks.frames import Example
from vestige.tasks.images import ImagePool
from vestige.tasks.recall import some_of
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics


class ParityRecall(AbstractAppended):
    """`l` i.i.d. digits, then for each of the first `k` a fresh image of the digit that names its parity.

    An even digit is answered by a 1 and an odd one by a 0, as in all pictures of the paper; with
    `even_is_one=False` the other way round, as in one of its captions (GTMM algorithm 2, figures 5 and 6).

    Of an answer only the digit can be predicted, never the image: `kl_recall`, over the answers, stays well above 0,
    and parity can be seen in at most ln 2 = 0.69 nats of it. Hence `parity_accuracy`: the model filters the l digits
    and generates the rest, and a classifier says which of its mean frames show the right one of the ten digits.

    Facts: `labels` (time), answers included. Metrics: those of all frame tasks, and `parity_accuracy`.

    **Cost.** Construction fits the classifier on the training images, some seconds. A batch sorts the pool's labels
    once. Evaluation takes twice the time of a task without generation.

    **Arguments:**

    - `train`, `test`: images to train on and held-out ones, with labels.
    - `l`, `k`: digits of a sequence, and answers.
    - `even_is_one`: whether an even digit is answered by a 1.

    **Raises:** `ValueError` where `l` or `k` is not positive, where `k > l`, where an image has no label in 0..9, or
    where there is no image of a 0 or of a 1.
    """

    train: ImagePool
    test: ImagePool
    classifier: DigitClassifier
    recognised: float = eqx.field(static=True)
    """The part of held-out images of 0 and of 1 that the classifier recognises, mean over the two."""
    l: int = eqx.field(static=True)
    k: int = eqx.field(static=True)
    even_is_one: bool = eqx.field(static=True)

    def __init__(self, train: ImagePool, test: ImagePool, l: int = 10, k: int = 5, *, even_is_one: bool = True):
        some_of(l, k)
        for pool in (train, test):
            there = set(np.asarray(digit_labels(pool, "ParityRecall")).tolist())
            if not {0, 1} <= there:
                raise ValueError(f"ParityRecall: answers are images of 0 and of 1; there are only {sorted(there)}")
        self.train, self.test, self.l, self.k, self.even_is_one = train, test, l, k, even_is_one
        self.classifier = DigitClassifier.fitted(train)
        self.recognised = sum(self.classifier.recognised(test, digit) for digit in (0, 1)) / 2

    @property
    def given(self) -> int:
        """The l digits that come first."""
        return self.l

    def answer(self, labels: Int[Array, " time"]) -> Int[Array, " time"]:
        """The digits, 0 or 1, that name the parity of others."""
        odd = labels % 2
        return 1 - odd if self.even_is_one else odd

    def sequence(self, source: ImagePool, *, key: Key) -> Example:
        assert source.labels is not None
        key_question, key_answer, key_ink = jax.random.split(key, 3)
        asked = source.pick(self.l, key=key_question)
        answers = self.answer(source.labels[asked[: self.k]])
        index = jnp.concatenate([asked, source.pick_of(answers, key=key_answer)])
        frames = source.fetch(index, key=key_ink)
        return Example(Batch(frames), jnp.arange(self.frames) >= self.l, {"labels": source.labels[index]})

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        key_filter, key_generate = jax.random.split(key)
        past = model.filter(example.batch.inputs[: self.l], key=key_filter)
        future = model.generate(self.k, state=past.state, key=key_generate)
        seen = jax.vmap(self.classifier)(jax.vmap(model.likelihood.mean)(future.frame_parameters))
        right = seen == example.facts["labels"][self.l :]
        return {"parity_accuracy": Tally(jnp.sum(right.astype(kl.dtype)), jnp.full_like(kl[0], self.k))}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Real images of the right digits are recognised as often as the best level says; who knows that an answer is
        due and not which is right half the time. What an image of a known digit costs is not known: no ideal curve."""
        return {"parity_accuracy": {"best": self.recognised, "chance": 0.5}}
