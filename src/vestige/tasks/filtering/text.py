"""Text: the next character is predicted."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from vestige.data.tables import Cells
from vestige.models.families import Categorical
from vestige.numerics import require_support
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import AbstractFilteringTask, over_held_out
from vestige.tasks.filtering.momentum_groups import LETTERS, MomentumGroups
from vestige.tasks.filtering.recordings import checked_length
from vestige.tasks.filtering.sampling import as_table
from vestige.tasks.filtering.unrolling import Filters, unroll
from vestige.tasks.samples import Sampled
from vestige.typing import Key, Metrics


class Characters(AbstractFilteringTask):
    """A text of K kinds of characters; a step is one character, one-hot without the first of the alphabet, which is
    all zeros: K - 1 numbers (81 characters and 80 numbers in rbmish). No outcomes.

    Training sequences are `length` characters from random places. Evaluated are pieces of `length` of the held-out
    text, one after the other without overlap, as many as requested at random, or all where there are no more.

    **Metrics:** `bits_per_character`, mean of -log2 q(y_t | x_{t-1}); on the same characters `unigram_bits` and
    `bigram_bits`, from frequencies in the training text (one more of each counted). Who beats the latter remembers more
    than the last character.
    """

    train: Integer[Array, " length"]
    test: Integer[Array, " held_out"]
    alphabet: str = eqx.field(static=True)
    length: int = eqx.field(static=True, default=400)

    def __check_init__(self):
        checked_length("Characters", self.length)
        for name, text in (("train", self.train), ("test", self.test)):
            if text.shape[0] < self.length:
                raise ValueError(
                    f"Characters: {name} must have at least length={self.length} characters, got {len(text)}"
                )
            require_support(
                text,
                lambda place: (place >= 0) & (place < len(self.alphabet)),
                owner="Characters",
                expected=f"{name} must hold places in the alphabet, 0 to {len(self.alphabet) - 1}",
            )

    @property
    def steps(self) -> int:
        return self.length

    @property
    def family(self) -> Categorical:
        return Categorical(len(self.alphabet) - 1)

    @property
    def momentum_groups(self) -> MomentumGroups:
        return LETTERS

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ()

    def sequence(self, *, key: Key) -> ArraySequence:
        return self._of(self.train, jax.random.randint(key, (), 0, self.train.shape[0] - self.length + 1, jnp.int32))

    def held_out_count(self, size: int) -> int:
        return min(size, self.test.shape[0] // self.length)

    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        pieces = self.test.shape[0] // self.length
        return self._of(self.test, jax.random.permutation(key, pieces)[row].astype(jnp.int32) * self.length)

    def classes_of(self, observations: Float[Array, "time p"]) -> Int[Array, " time"]:
        """Which character of the alphabet each step is."""
        return jnp.where(jnp.any(observations > 0, axis=1), 1 + jnp.argmax(observations, axis=1), 0)

    def shown(self, sequences: np.ndarray) -> Sampled:
        """A text each; in a table the character of each step."""
        classes = [np.asarray(self.classes_of(jnp.asarray(each, jnp.float32))) for each in sequences]
        texts = tuple("".join(self.alphabet[place] for place in each) for each in classes)
        columns = as_table(sequences[:, :, :0], ())
        characters = Cells(np.array(list("".join(texts)), object), np.zeros(sequences[:, :, 0].size, bool))
        return Sampled({**columns, "character": characters}, texts=texts)

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        single, paired = self._frequencies()

        def one(sequence: ArraySequence, key: Key) -> dict[str, Array]:
            read_out = lambda before, seen, after, key: model.log_predictive(before, seen, key=key)
            classes = self.classes_of(sequence.inputs)
            alone = jnp.log(single)[classes]
            after = jnp.log(paired)[classes[:-1], classes[1:]]
            return {
                "bits_per_character": unroll(model, sequence, read_out, key=key),
                "unigram_bits": alone,
                "bigram_bits": jnp.concatenate([alone[:1], after]),
            }

        scores = over_held_out(self, one, size=size, key=key)
        return {name: -jnp.mean(score) / math.log(2) for name, score in scores.items()}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What can at best be reached is not known; chance knows how often each character comes."""
        return {"bits_per_character": {"best": None, "chance": metrics["unigram_bits"]}}

    def _of(self, text: Integer[Array, " length"], start: Int[Array, ""]) -> ArraySequence:
        classes = jax.lax.dynamic_slice_in_dim(text, start, self.length).astype(jnp.int32)
        one_hot = jax.nn.one_hot(classes - 1, self.width, dtype=jnp.float32)
        return ArraySequence(one_hot, jnp.zeros((self.length, 0)), jnp.array(self.length, jnp.int32))

    def _frequencies(self) -> tuple[Float[Array, " k"], Float[Array, "k k"]]:
        kinds, text = len(self.alphabet), self.train.astype(jnp.int32)
        single = 1.0 + jnp.bincount(text, length=kinds).astype(jnp.float32)
        pairs = jnp.bincount(text[:-1] * kinds + text[1:], length=kinds**2).reshape(kinds, kinds)
        paired = 1.0 + pairs.astype(jnp.float32)
        return single / jnp.sum(single), paired / jnp.sum(paired, axis=1, keepdims=True)


def characters(train: str, test: str, *, alphabet: str | None = None, length: int = 400) -> Characters:
    """The task on two texts; the alphabet is, unless given, what occurs in either, in order of code points.

    **Arguments:**

    - `train`, `test`: texts to train on and to evaluate on.
    - `alphabet`: the characters, in the order of their numbers.
    - `length`: steps of a training window.

    **Raises** `ValueError` where a character is not in the alphabet, the alphabet repeats one or has fewer than two, or
    a text is shorter than `length`.
    """
    letters = "".join(sorted(set(train) | set(test))) if alphabet is None else alphabet
    if len(letters) < 2 or len(set(letters)) < len(letters):
        raise ValueError(f"characters: the alphabet must hold at least two different characters, got {letters!r}")
    if unknown := (set(train) | set(test)) - set(letters):
        raise ValueError(f"characters: the alphabet lacks {''.join(sorted(unknown))!r}, which the texts have")
    place = {letter: i for i, letter in enumerate(letters)}
    smallest = np.min_scalar_type(len(letters) - 1)
    coded = [jnp.asarray(np.array([place[letter] for letter in text], smallest)) for text in (train, test)]
    return Characters(coded[0], coded[1], letters, length)
