"""Recall: one symbol, queried after a long time."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence, Window
from vestige.tasks.longterm.choice import AbstractChoice, even_odds
from vestige.tasks.longterm.draws import at_least, drawn_at, drawn_length, in_range, steps_of, subset
from vestige.typing import Key


class RecallSequence(AbstractSequence):
    """A symbol at the first step, a corridor, and at the last step the question what it was.

    Tokens: the symbols from 0 on, blank, question, mark of a noisy step, then as many distractors as symbols. Classes:
    the symbols, and blank, which is the outcome wherever nothing is queried.
    """

    symbol: Int[Array, ""]
    noisy: Int[Array, " noise"]
    """Steps of the corridor whose outcome is a random symbol."""
    length: Int[Array, ""]
    key: Key
    symbols: int = eqx.field(static=True)
    distractors: bool = eqx.field(static=True)

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps, inside = steps_of(start, size, self.length)
        blank, question, mark, distractor = self.symbols, self.symbols + 1, self.symbols + 2, self.symbols + 3
        first, last = steps == 0, steps == self.length - 1
        noisy = jnp.any(steps[:, None] == self.noisy[None, :], axis=1)
        # A noisy step shows its mark and no distractor, so one draw serves both and none predicts the other.
        drawn = drawn_at(steps, lambda k: jax.random.randint(k, (), 0, self.symbols, jnp.int32), key=self.key)
        corridor = distractor + drawn if self.distractors else jnp.full_like(steps, blank)
        inputs = jnp.select([first, last, noisy], [self.symbol, question, mark], corridor)
        outcomes = jnp.select([last, noisy], [self.symbol, drawn], blank)
        return Window(inputs, outcomes, inside, inside)


class Recall(AbstractChoice):
    """One of `symbols` at step 0, `distance` steps in between, then a query at which it is the outcome.

    With `min_distance`, sequences to train on bridge any distance d from there to `distance`, with probability in
    proportion to 1 / d(d + 1): then every octave of distances takes the same share of all steps. What is learned on
    the short ones is handed on in the long ones, and a memory meets thousands of short sequences while it reads one of
    a million steps. Held-out sequences always bridge `distance`.

    The steps between show blanks, or with `distractors` random tokens that mean nothing. At `noise` of them, at random
    and marked, the outcome is a random symbol that nothing predicts: as uncertain as the query to a detector, and
    nothing that a memory could help with (MemUP pitfall 2, check 15). Length d + 2; one query, the last step.

    **Raises:** `ValueError` where `distance < 1`, `symbols < 2`, `min_distance` is not in 1..`distance`, or `noise` is
    not in 0 to the smallest distance.
    """

    distance: int = eqx.field(static=True)
    symbols: int = eqx.field(static=True, default=8)
    distractors: bool = eqx.field(static=True, default=False)
    noise: int = eqx.field(static=True, default=0)
    min_distance: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        at_least(1, "Recall", distance=self.distance)
        at_least(2, "Recall", symbols=self.symbols)
        in_range("Recall", "min_distance", self.min_distance, "distance", self.distance)
        corridor = self.min_distance or self.distance
        if not 0 <= self.noise <= corridor:
            raise ValueError(
                f"Recall: noise counts steps of the corridor, so 0 <= noise <= {corridor}; got noise={self.noise}"
            )

    @property
    def steps(self) -> int:
        return self.distance + 2

    @property
    def max_distance(self) -> int:
        return self.distance

    @property
    def tokens(self) -> int:
        return 2 * self.symbols + 3

    @property
    def features(self) -> None:
        return None

    @property
    def classes(self) -> int:
        return self.symbols + 1

    def prior(self) -> Float[Array, " classes"]:
        return even_odds(self.symbols, self.classes)

    def sequence(self, *, key: Key) -> RecallSequence:
        return self._bridging(drawn_length(self.distance, self.min_distance, key=jax.random.fold_in(key, 1)), key=key)

    def held_out(self, *, key: Key) -> RecallSequence:
        return self._bridging(jnp.array(self.distance, jnp.int32), key=key)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length[None] - 1

    def _bridging(self, distance: Int[Array, ""], *, key: Key) -> RecallSequence:
        key_symbol, key_noisy, key_steps = jax.random.split(key, 3)
        return RecallSequence(
            symbol=jax.random.randint(key_symbol, (), 0, self.symbols, jnp.int32),
            noisy=1 + subset(distance, self.noise, key=key_noisy),
            length=distance + 2,
            key=key_steps,
            symbols=self.symbols,
            distractors=self.distractors,
        )
