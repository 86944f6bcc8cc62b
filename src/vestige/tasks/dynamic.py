"""Dynamic dependency: each recalled image says which one comes next."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.tasks.appended import AbstractAppended
from vestige.tasks.digits import CLASSES, digit_labels
from vestige.tasks.frames import Example
from vestige.tasks.images import ImagePool
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics


def chain(labels: Int[Array, " time"], k: int) -> Int[Array, " k"]:
    """The `k` positions that are visited from the last one on, the next being the label of the one before.

    Positions count from 0, so that only the first ten are ever visited; one that bears its own number is never
    left again (GTMM algorithm 3).

    **Arguments:**

    - `labels`: (time,), integers 0 to 9.
    - `k`: how many positions, static.
    """

    def hop(position: Array, _: None) -> tuple[Array, Array]:
        following = labels[position]
        return following, following

    return jax.lax.scan(hop, jnp.array(labels.shape[0] - 1, labels.dtype), length=k)[1]


class DynamicDependency(AbstractAppended):
    """`l` i.i.d. digits, then `k` times a copy of the one at the position that the last frame shows.

    "Index and recall" (GTMM algorithm 3, figures 9 and 10): positions count from 0, and the label of a copy is the
    label of the original. Every appended frame is determined; to know it, one must read the digit before it.

    Facts: `labels` (time) and `positions` (k), the frames that were copied. Metrics: those of all frame tasks.

    **Raises:** `ValueError` where `l < 10`, where `k < 1`, or where an image has no label in 0..9.
    """

    train: ImagePool
    test: ImagePool
    l: int = eqx.field(static=True, default=20)
    k: int = eqx.field(static=True, default=5)

    def __check_init__(self):
        if self.l < CLASSES:
            raise ValueError(f"a digit may point at any of {CLASSES} positions, so l >= {CLASSES}; got l={self.l}")
        if self.k < 1:
            raise ValueError(f"k must be at least 1, got k={self.k}")
        for pool in (self.train, self.test):
            digit_labels(pool, "DynamicDependency")

    @property
    def given(self) -> int:
        """The l digits that come first."""
        return self.l

    def sequence(self, source: ImagePool, *, key: Key) -> Example:
        assert source.labels is not None
        drawn, index = source.draw_known(self.l, key=key)
        labels = source.labels[index]
        positions = chain(labels, self.k)
        frames = jnp.concatenate([drawn, drawn[positions]])
        facts = {"labels": jnp.concatenate([labels, labels[positions]]), "positions": positions}
        return Example(Batch(frames), jnp.arange(self.frames) >= self.l, facts)

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        return {}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Who reads digits and remembers them pays nothing for a copy; chance is what a fresh frame costs."""
        fresh = float(metrics["kl_fresh"])
        recalled = {"best": 0.0, "chance": fresh}
        return {
            "kl_recall": recalled,
            "kl_last": recalled,
            "curves": {"kl_per_frame": [fresh] * self.l + [0.0] * self.k},
        }
