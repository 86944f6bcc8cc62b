"""Similarity-cued recall: a stretch of the past comes again, and its first frame is the cue."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.tasks.appended import AbstractAppended
from vestige.tasks.frames import Example
from vestige.tasks.images import ImagePool
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics


class SimilarityRecall(AbstractAppended):
    """`l` i.i.d. images, then `k` consecutive ones of them again, from a random place on (GTMM algorithm 4).

    The place is one of l - k: frame 0 up to frame l - k - 1, so that the last image is never shown again. Copies are
    exact. Nobody can predict the first one, the cue, better than as one of l - k stored frames; what follows it is
    determined, unless images repeat among the first l and the frames so far fit several places. Such frames are not
    marked as predictable.

    With `pool_size`, each sequence draws its images from so few of its own (with replacement), and a cue fits several
    places: recall needs more context than one frame. None: from all images, as the algorithm says.

    Facts: `start` (), the place. Metrics: those of all frame tasks, and `kl_cue`, the KL of the first appended frame.
    `kl_recall` is over the frames after the cue, `kl_fresh` over the first l and the cue.

    **Raises:** `ValueError` where k < 2 (a cue and what follows), `k >= l` or `pool_size < 2`.
    """

    train: ImagePool
    test: ImagePool
    l: int = eqx.field(static=True, default=20)
    k: int = eqx.field(static=True, default=5)
    pool_size: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.k < 2:
            raise ValueError(f"a cue and at least one frame after it are recalled, so k >= 2; got k={self.k}")
        if self.k >= self.l:
            raise ValueError(f"there are l - k places to start from, so k < l; got l={self.l}, k={self.k}")
        if self.pool_size is not None and self.pool_size < 2:
            raise ValueError(f"a sequence of one image has nothing to recall: pool_size >= 2, got {self.pool_size}")

    @property
    def given(self) -> int:
        """The l images and the cue, from which the others follow."""
        return self.l + 1

    def sequence(self, source: ImagePool, *, key: Key) -> Example:
        key_images, key_order, key_start = jax.random.split(key, 3)
        drawn = source.draw(self.pool_size or self.l, key=key_images)
        if self.pool_size is not None:
            drawn = drawn[jax.random.randint(key_order, (self.l,), 0, self.pool_size)]
        start = jax.random.randint(key_start, (), 0, self.l - self.k)
        recalled = jax.lax.dynamic_slice_in_dim(drawn, start, self.k)
        known = jnp.concatenate([jnp.zeros(self.l, bool), determined(drawn, start, self.k)])
        return Example(Batch(jnp.concatenate([drawn, recalled])), known, {"start": start})

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        return {"kl_cue": Tally(kl[self.l], jnp.ones_like(kl[self.l]))}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A cue costs at least ln(l - k) nats to a prior that can name all places at once; a single Gaussian cannot
        and pays about what a fresh frame costs. What follows it costs a perfect memory nothing."""
        fresh = float(metrics["kl_fresh"])
        cue = math.log(self.l - self.k)
        recalled = {"best": 0.0, "chance": fresh}
        return {
            "kl_recall": recalled,
            "kl_last": recalled,
            "kl_cue": {"best": cue, "chance": fresh},
            "curves": {"kl_per_frame": [fresh] * self.l + [cue] + [0.0] * (self.k - 1)},
        }


def determined(drawn: Float[Array, "time *frame"], start: Int[Array, ""], k: int) -> Bool[Array, " k"]:
    """Which of the `k` frames from `start` on are alike at all places that fit the ones before.

    The places are 0 .. l - k - 1. Costs l² comparisons of frames.

    **Arguments:**

    - `drawn`: (l, …), the frames of the sequence.
    - `start`: the first of the `k` frames.
    - `k`: static.
    """
    l = drawn.shape[0]
    flat = drawn.reshape(l, -1)
    same = jnp.all(flat[:, None] == flat[None], axis=-1)
    place, step = jnp.arange(l - k)[:, None], jnp.arange(k)[None]
    agrees = same[place + step, start + step]
    fits = jnp.cumprod(agrees.astype(jnp.int32), axis=1).astype(bool)
    before = jnp.concatenate([jnp.ones((l - k, 1), bool), fits[:, :-1]], axis=1)
    return jnp.all(agrees | ~before, axis=0)
