"""Copying: symbols, a long time, and then the symbols again in their order."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence, Window
from vestige.tasks.longterm.choice import AbstractChoice, even_odds
from vestige.tasks.longterm.draws import at_least, drawn_length, in_range, steps_of, subset
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
        queried, turn = order >= 0, jnp.clip(order, 0, last)
        nearest = jnp.minimum(jnp.searchsorted(self.places, steps), last)
        observed = jnp.where(self.places[nearest] == steps, self.symbols[nearest], self.blank)
        inputs = jnp.where(queried, self.questions[turn], observed)
        return Window(inputs, jnp.where(queried, self.symbols[turn], self.blank), inside, inside)


class AbstractLayout(eqx.Module):
    """Where the symbols stand, and which tokens query them. `alphabet` is the number of different symbols."""

    @abc.abstractmethod
    def places(self, steps: Int[Array, ""], symbols: int, *, key: Key) -> Int[Array, " symbols"]:
        """At which steps the symbols are shown.

        **Arguments:**

        - `steps`: the symbols are shown among the first `steps` steps; may be traced.
        - `symbols`: how many are shown, static.

        **Returns:** (symbols,), integers, rising.
        """

    @abc.abstractmethod
    def questions(self, symbols: int, alphabet: int) -> Int[Array, " symbols"]:
        """The tokens at the last steps. They lie beyond `alphabet`, which is the token of a blank.

        **Arguments:**

        - `symbols`: how many are shown.
        - `alphabet`: how many different ones there are.

        **Returns:** (symbols,), integers.
        """

    @abc.abstractmethod
    def tokens(self, symbols: int, alphabet: int) -> int:
        """How many tokens there are, blank and questions included.

        **Arguments:**

        - `symbols`: how many are shown.
        - `alphabet`: how many different ones there are.

        **Returns:** their number.
        """

    @abc.abstractmethod
    def classes(self, alphabet: int) -> int:
        """How many classes an outcome has, blank included.

        **Arguments:**

        - `alphabet`: how many different symbols there are.

        **Returns:** their number.
        """


class Block(AbstractLayout):
    """The symbols come first, and one delimiter queries all of them (MemUP section 5.1, Copy-L).

    Tokens 0..7 are symbols, 8 is blank and 9 the delimiter; outcomes have as many classes, as published, though the
    delimiter never is one.
    """

    def places(self, steps: Int[Array, ""], symbols: int, *, key: Key) -> Int[Array, " symbols"]:
        return jnp.arange(symbols, dtype=jnp.int32)

    def questions(self, symbols: int, alphabet: int) -> Int[Array, " symbols"]:
        return jnp.full(symbols, alphabet + 1, jnp.int32)

    def tokens(self, symbols: int, alphabet: int) -> int:
        return alphabet + 2

    def classes(self, alphabet: int) -> int:
        return alphabet + 2


class Scattered(AbstractLayout):
    """As `Block`, but the symbols stand anywhere among the blanks, every choice of places equally likely.

    The order is queried, so that a memory must count what it has written and how often it was queried.
    """

    def places(self, steps: Int[Array, ""], symbols: int, *, key: Key) -> Int[Array, " symbols"]:
        return subset(steps, symbols, key=key)

    def questions(self, symbols: int, alphabet: int) -> Int[Array, " symbols"]:
        return jnp.full(symbols, alphabet + 1, jnp.int32)

    def tokens(self, symbols: int, alphabet: int) -> int:
        return alphabet + 2

    def classes(self, alphabet: int) -> int:
        return alphabet + 2


class Positional(AbstractLayout):
    """The symbols come first; each question is a token of its own and says which symbol it queries.

    With an alphabet of 5, tokens 0..4 are symbols, 5 is blank and 6..15 the questions, in order.
    """

    def places(self, steps: Int[Array, ""], symbols: int, *, key: Key) -> Int[Array, " symbols"]:
        return jnp.arange(symbols, dtype=jnp.int32)

    def questions(self, symbols: int, alphabet: int) -> Int[Array, " symbols"]:
        return alphabet + 1 + jnp.arange(symbols, dtype=jnp.int32)

    def tokens(self, symbols: int, alphabet: int) -> int:
        return alphabet + 1 + symbols

    def classes(self, alphabet: int) -> int:
        return alphabet + 1


class Copy(AbstractChoice):
    """`symbols` random ones of `alphabet` among or before `length` blanks, then as many questions as symbols.

    T = `length + 2 symbols` steps; the outcome is blank until the questions start, and they are the queries. "Copy
    120", "1020" and "5020" are `length` 100, 1000 and 5000 with ten symbols, each queried `length + symbols` steps
    after it was shown. With `min_length`, sequences to train on have from `min_length` to `length` blanks, every octave
    for about the same share of all steps; held-out ones always have `length`.

    Where the questions are all alike, a predictor that is queried about one of them from afar must see which it is: see
    `WithContextWindow`.

    **Raises:** `ValueError` where `length` or `symbols` is not positive, `alphabet < 2`, or `min_length` is not in
    1..`length`.
    """

    length: int = eqx.field(static=True)
    symbols: int = eqx.field(static=True, default=10)
    alphabet: int = eqx.field(static=True, default=8)
    layout: AbstractLayout = Block()
    min_length: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        at_least(1, "Copy", length=self.length, symbols=self.symbols)
        at_least(2, "Copy", alphabet=self.alphabet)
        in_range("Copy", "min_length", self.min_length, "length", self.length)

    @property
    def steps(self) -> int:
        return self.length + 2 * self.symbols

    @property
    def max_distance(self) -> int:
        return self.length

    @property
    def tokens(self) -> int:
        return self.layout.tokens(self.symbols, self.alphabet)

    @property
    def features(self) -> None:
        return None

    @property
    def classes(self) -> int:
        return self.layout.classes(self.alphabet)

    def prior(self) -> Float[Array, " classes"]:
        return even_odds(self.alphabet, self.classes)

    def sequence(self, *, key: Key) -> CopySequence:
        return self._of(drawn_length(self.length, self.min_length, key=jax.random.fold_in(key, 1)), key)

    def held_out(self, *, key: Key) -> CopySequence:
        return self._of(jnp.array(self.length, jnp.int32), key)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length - self.symbols + jnp.arange(self.symbols, dtype=jnp.int32)

    def _of(self, blanks: Int[Array, ""], key: Key) -> CopySequence:
        key_symbols, key_places = jax.random.split(key)
        return CopySequence(
            symbols=jax.random.randint(key_symbols, (self.symbols,), 0, self.alphabet, jnp.int32),
            places=self.layout.places(blanks + self.symbols, self.symbols, key=key_places),
            questions=self.layout.questions(self.symbols, self.alphabet),
            length=blanks + 2 * self.symbols,
            blank=self.alphabet,
        )
