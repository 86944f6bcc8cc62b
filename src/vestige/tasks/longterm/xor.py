"""Exclusive or of two bits that are far apart."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.sequences import AbstractSequence, Window
from vestige.tasks.longterm.choice import AbstractChoice, even_odds
from vestige.tasks.longterm.draws import at_least, steps_of
from vestige.typing import Key

BLANK, QUESTION = 2, 3


class XorSequence(AbstractSequence):
    """A bit at the first step, another at the last but one, then the question whether they differ.

    Tokens 0 and 1 are bits, 2 is blank, 3 the question; the outcome is blank, class 2, until the question.
    """

    bits: Int[Array, "2"]
    length: Int[Array, ""]

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps, inside = steps_of(start, size, self.length)
        last = steps == self.length - 1
        observed = [steps == 0, steps == self.length - 2, last]
        inputs = jnp.select(observed, [self.bits[0], self.bits[1], QUESTION], jnp.full_like(steps, BLANK))
        return Window(inputs, jnp.where(last, self.bits[0] ^ self.bits[1], BLANK), inside, inside)


class Xor(AbstractChoice):
    """Two bits `distance` apart, then a query whose outcome is 1 where they differ. Length `distance + 2`.

    The first bit alone says nothing about the outcome. A rule whose gradient goes back fewer than `distance` steps
    has therefore no reason to keep it, and is expected to stay at chance (MemUP pitfall 3, check 14).

    **Raises:** `ValueError` where `distance < 1`.
    """

    distance: int = eqx.field(static=True)

    def __check_init__(self):
        at_least(1, "Xor", distance=self.distance)

    @property
    def steps(self) -> int:
        return self.distance + 2

    @property
    def max_distance(self) -> int:
        return self.distance

    @property
    def tokens(self) -> int:
        return QUESTION + 1

    @property
    def features(self) -> None:
        return None

    @property
    def classes(self) -> int:
        return BLANK + 1

    def prior(self) -> Float[Array, " classes"]:
        return even_odds(2, self.classes)

    def sequence(self, *, key: Key) -> XorSequence:
        return XorSequence(jax.random.randint(key, (2,), 0, 2, jnp.int32), jnp.array(self.steps, jnp.int32))

    def held_out(self, *, key: Key) -> XorSequence:
        return self.sequence(key=key)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length[None] - 1
