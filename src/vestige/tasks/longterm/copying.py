"""Copying: symbols, a long time, and then the symbols again in their order."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence, Window
from vestige.tasks.longterm.choice import AbstractChoice, even_odds
from vestige.tasks.longterm.draws import at_least, steps_of, subset
from vestige.typing import Key


class CopySequence(AbstractSequence):
    """Symbols among blanks, then one question after the other, answered by the symbols in order."""

    symbols: Int[Array, " symbols"]
    places: Int[Array, " symbols"]
    """The steps at which they are shown, rising."""
    questions: Int[Array, " symbols"]
    """The tokens at the last steps."""
    length: Int[Array, ""]
    blank: int = eqx.field(static=True)
    """Token and class where there is nothing."""

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps, inside = steps_of(start, size, self.length)
        last = self.symbols.shape[0] - 1
        order = steps - (self.length - last - 1)
        asked, turn = order >= 0, jnp.clip(order, 0, last)
        nearest = jnp.minimum(jnp.searchsorted(self.places, steps), last)
        shown = jnp.where(self.places[nearest] == steps, self.symbols[nearest], self.blank)
        inputs = jnp.where(asked, self.questions[turn], shown)
        return Window(inputs, jnp.where(asked, self.symbols[turn], self.blank), inside, inside)


class AbstractCopying(AbstractChoice):
    """`symbols` random ones of `alphabet`, `length` blanks, then as many questions as symbols.

    T = `length + 2 symbols` steps; the outcome is blank until the questions start, and they are the queries.

    **Raises:** `ValueError` where `length` or `symbols` is not positive, or `alphabet < 2`.
    """

    length: eqx.AbstractVar[int]
    symbols: eqx.AbstractVar[int]
    alphabet: eqx.AbstractVar[int]

    def __check_init__(self):
        at_least(1, type(self).__name__, length=self.length, symbols=self.symbols)
        at_least(2, type(self).__name__, alphabet=self.alphabet)

    @abc.abstractmethod
    def places(self, *, key: Key) -> Int[Array, " symbols"]:
        """At which of the first `length + symbols` steps the symbols are shown, rising."""

    @abc.abstractmethod
    def questions(self) -> Int[Array, " symbols"]:
        """The tokens at the last steps, beyond `alphabet`, which stands for blank."""

    @property
    def steps(self) -> int:
        return self.length + 2 * self.symbols

    @property
    def features(self) -> None:
        return None

    def prior(self) -> Float[Array, " classes"]:
        return even_odds(self.alphabet, self.classes)

    def sequence(self, *, key: Key) -> CopySequence:
        key_symbols, key_places = jax.random.split(key)
        return CopySequence(
            symbols=jax.random.randint(key_symbols, (self.symbols,), 0, self.alphabet, jnp.int32),
            places=self.places(key=key_places),
            questions=self.questions(),
            length=jnp.array(self.steps, jnp.int32),
            blank=self.alphabet,
        )

    def held_out(self, *, key: Key) -> CopySequence:
        return self.sequence(key=key)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length - self.symbols + jnp.arange(self.symbols, dtype=jnp.int32)


class Copy(AbstractCopying):
    """The symbols come first and are asked for by one delimiter (MemUP section 5.1, Copy-L).

    Tokens 0..7 are symbols, 8 is blank and 9 the delimiter; outcomes have as many classes, as published, though the
    delimiter never is one. "Copy 120", "1020" and "5020" are `length` 100, 1000 and 5000. Every symbol is asked for
    `length + symbols` steps after it was shown.
    """

    length: int = eqx.field(static=True)
    symbols: int = eqx.field(static=True, default=10)
    alphabet: int = eqx.field(static=True, default=8)

    @property
    def tokens(self) -> int:
        return self.alphabet + 2

    @property
    def classes(self) -> int:
        return self.tokens

    def places(self, *, key: Key) -> Int[Array, " symbols"]:
        return jnp.arange(self.symbols, dtype=jnp.int32)

    def questions(self) -> Int[Array, " symbols"]:
        return jnp.full(self.symbols, self.alphabet + 1, jnp.int32)


class ScatteredCopy(AbstractCopying):
    """As `Copy`, but the symbols stand anywhere among the blanks, every choice of places equally likely.

    What is asked for is their order, so that a memory must count what it has written and what it was asked.
    """

    length: int = eqx.field(static=True)
    symbols: int = eqx.field(static=True, default=10)
    alphabet: int = eqx.field(static=True, default=8)

    @property
    def tokens(self) -> int:
        return self.alphabet + 2

    @property
    def classes(self) -> int:
        return self.tokens

    def places(self, *, key: Key) -> Int[Array, " symbols"]:
        return subset(self.length + self.symbols, self.symbols, key=key)

    def questions(self) -> Int[Array, " symbols"]:
        return jnp.full(self.symbols, self.alphabet + 1, jnp.int32)


class PositionalCopy(AbstractCopying):
    """As `Copy`, but each question is a token of its own and says which symbol it asks for.

    Tokens 0..4 are symbols, 5 is blank and 6..15 the questions, in order; classes are symbols and blank.
    """

    length: int = eqx.field(static=True)
    symbols: int = eqx.field(static=True, default=10)
    alphabet: int = eqx.field(static=True, default=5)

    @property
    def tokens(self) -> int:
        return self.alphabet + 1 + self.symbols

    @property
    def classes(self) -> int:
        return self.alphabet + 1

    def places(self, *, key: Key) -> Int[Array, " symbols"]:
        return jnp.arange(self.symbols, dtype=jnp.int32)

    def questions(self) -> Int[Array, " symbols"]:
        return self.alphabet + 1 + jnp.arange(self.symbols, dtype=jnp.int32)
