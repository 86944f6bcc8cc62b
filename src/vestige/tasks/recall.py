"""Perfect recall: images, then the first of them again."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.tasks.appended import AbstractAppended
from vestige.tasks.frames import Example
from vestige.tasks.images import ImagePool
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics


class PerfectRecall(AbstractAppended):
    """`l` i.i.d. images followed by exact copies of the first `k` (GTMM algorithm 1, figure 4).

    With held-out images of classes never met in training it is one-shot recall (figure 8). With `control`
    the copies are replaced by fresh images: nothing can be recalled, and no KL may fall.

    Metrics, in nats on held-out images: `kl_recall` (mean over the recalled frames), `kl_fresh` (mean over
    the others), `kl_last` (last frame), `negative_bound` (per frame); curves `kl_per_frame` and
    `negative_bound_per_frame`.

    **Raises:** `ValueError` where `l` or `k` is not positive or `k > l`.
    """

    train: ImagePool
    test: ImagePool
    l: int = eqx.field(static=True, default=10)
    k: int = eqx.field(static=True, default=5)
    control: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        some_of(self.l, self.k)

    @property
    def given(self) -> int:
        """The l images that come first."""
        return self.l

    def sequence(self, source: ImagePool, *, key: Key) -> Example:
        """No facts."""
        frames = source.draw(self.frames if self.control else self.l, key=key)
        frames = frames if self.control else jnp.concatenate([frames, frames[: self.k]])
        return Example(Batch(frames), jnp.arange(self.frames) >= self.l, {})

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        return {}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A perfect memory pays nothing for a recalled frame; none pays what a fresh frame costs."""
        fresh = float(metrics["kl_fresh"])
        recalled = {"best": fresh if self.control else 0.0, "chance": fresh}
        best = recalled["best"]
        return {
            "kl_recall": recalled,
            "kl_last": recalled,
            "curves": {"kl_per_frame": [fresh] * self.l + [best] * self.k},
        }


def some_of(l: int, k: int) -> None:
    """Check `l` and `k`.

    **Raises:** `ValueError` unless k images, at least one, can be recalled out of l.
    """
    if l < 1 or k < 1:
        raise ValueError(f"l and k must be at least 1, got l={l}, k={k}")
    if k > l:
        raise ValueError(f"k images are recalled out of l, so k <= l; got l={l}, k={k}")
