"""How an agent turns on the spot."""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.typing import Key


class AbstractTurning(eqx.Module):
    """Draws where the agent looks at each frame."""

    actions: eqx.AbstractVar[int]
    """How many actions there are; 0 where a model is given none."""

    @abc.abstractmethod
    def headings(self, frames: int, *, key: Key) -> tuple[Float[Array, " time"], Int[Array, " time"] | None]:
        """Where the agent looks.

        **Arguments:**

        - `frames`: how many, static.

        **Returns:** (frames,), headings in radians from a random one on, and (frames,), integers, the actions that led
        to them; None where there are none.
        """

    def possible(self, headings: Float[Array, " time"]) -> Float[Array, "ways time"]:
        """The headings at which a model that follows this turning may generate its frames.

        **Arguments:**

        - `headings`: (time,), those that were drawn, with whose actions it generates.

        **Returns:** (ways, time): those very headings, where actions say them.
        """
        return headings[None]


class Revolution(AbstractTurning):
    """Evenly to the left, a full turn in a number of frames that is drawn for each sequence (GTMM section 5).

    `min_period == max_period`, a whole number: every view comes again exactly that many frames later, and is found by
    its position alone. Else views in between come.

    **Arguments:**

    - `min_period`, `max_period`: frames of a full turn; the number is uniform between them.

    **Raises:** `ValueError` unless `0 < min_period <= max_period`.
    """

    min_period: float = eqx.field(static=True, default=14.5)
    max_period: float = eqx.field(static=True, default=15.5)
    actions: int = eqx.field(static=True, default=0, init=False)

    def __check_init__(self):
        if not 0 < self.min_period <= self.max_period:
            raise ValueError(
                "a turn takes from min_period to max_period frames, 0 < min_period <= max_period; got "
                f"{self.min_period} and {self.max_period}"
            )

    def headings(self, frames: int, *, key: Key) -> tuple[Float[Array, " time"], None]:
        key_start, key_period = jax.random.split(key)
        start = _anywhere(key_start)
        period = jax.random.uniform(key_period, minval=self.min_period, maxval=self.max_period)
        return start + 2 * math.pi * jnp.arange(frames, dtype=jnp.float32) / period, None

    def possible(self, headings: Float[Array, " time"]) -> Float[Array, "ways time"]:
        """At any period: a model that generates chooses its own. Five, evenly apart."""
        periods = jnp.linspace(self.min_period, self.max_period, 5)
        return 2 * math.pi * jnp.arange(headings.shape[0], dtype=headings.dtype)[None] / periods[:, None]


class RandomTurns(AbstractTurning):
    """One step to the left (0) or right (1) per frame, given as actions; 2, none, for the first frame.

    A step is a `period`-th of a full turn. The agent goes on in the same direction with probability `persistence`;
    1/2 is a plain random walk.

    **Raises:** `ValueError` where `period < 1` or `persistence` is not in [0, 1].
    """

    period: int = eqx.field(static=True, default=15)
    persistence: float = eqx.field(static=True, default=0.75)
    actions: int = eqx.field(static=True, default=3, init=False)

    def __check_init__(self):
        if self.period < 1:
            raise ValueError(f"a full turn takes at least 1 step, got period={self.period}")
        if not 0 <= self.persistence <= 1:
            raise ValueError(f"persistence is a probability, got {self.persistence}")

    def headings(self, frames: int, *, key: Key) -> tuple[Float[Array, " time"], Int[Array, " time"]]:
        key_start, key_first, key_turn = jax.random.split(key, 3)
        turned = jax.random.bernoulli(key_turn, 1 - self.persistence, (frames - 1,)).at[0].set(False)
        right = (jax.random.bernoulli(key_first).astype(jnp.int32) + jnp.cumsum(turned.astype(jnp.int32))) % 2
        steps = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(1 - 2 * right)]) % self.period
        actions = jnp.concatenate([jnp.full(1, 2, jnp.int32), right])
        return _anywhere(key_start) + 2 * math.pi / self.period * steps.astype(jnp.float32), actions


def _anywhere(key: Key) -> Float[Array, ""]:
    return jax.random.uniform(key, maxval=2 * math.pi)
