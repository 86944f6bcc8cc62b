"""Perfect recall: images, then the first of them again."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.temporal import elbo
from vestige.tasks.contract import AbstractTask
from vestige.tasks.images import ImagePool
from vestige.typing import Batch, Key, Metrics

EVALUATION_BATCH = 64


class PerfectRecall(AbstractTask):
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
        if self.l < 1 or self.k < 1:
            raise ValueError(f"l and k must be at least 1, got l={self.l}, k={self.k}")
        if self.k > self.l:
            raise ValueError(f"k images are recalled out of l, so k <= l; got l={self.l}, k={self.k}")

    @property
    def frames(self) -> int:
        """Length of a sequence, l + k."""
        return self.l + self.k

    def sequence(self, pool: ImagePool, *, key: Key) -> Float[Array, "time height width"]:
        """One sequence from the given images."""
        frames = pool.draw(self.frames if self.control else self.l, key=key)
        return frames if self.control else jnp.concatenate([frames, frames[: self.k]])

    def batch(self, *, size: int, key: Key) -> Batch:
        return self._batch(self.train, size, key)

    def held_out(self, *, size: int, key: Key) -> Batch:
        """As `batch`, from the held-out images."""
        return self._batch(self.test, size, key)

    def _batch(self, pool: ImagePool, size: int, key: Key) -> Batch:
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(size))
        return Batch(jax.vmap(lambda k: self.sequence(pool, key=k))(keys))

    def on_training_images(self) -> "PerfectRecall":
        """The same task judged on training images: the first of them, as many as there are held-out ones."""
        count = min(self.test.pixels.shape[0], self.train.pixels.shape[0])
        return eqx.tree_at(lambda task: task.test, self, jax.tree.map(lambda leaf: leaf[:count], self.train))

    def evaluate(self, model: Any, *, size: int, key: Key) -> Metrics:
        def one(row: Array) -> Metrics:
            key_data, key_model = jax.random.split(jax.random.fold_in(key, row))
            return elbo(model, Batch(self.sequence(self.test, key=key_data)), key=key_model)[1]

        rows = jax.lax.map(one, jnp.arange(size), batch_size=min(size, EVALUATION_BATCH))
        means = jax.tree.map(lambda m: jnp.mean(m, axis=0), rows)
        kl = means["kl_per_frame"]
        return {
            "kl_recall": jnp.mean(kl[self.l :]),
            "kl_fresh": jnp.mean(kl[: self.l]),
            "kl_last": kl[-1],
            "negative_bound": means["negative_bound"],
            "kl_per_frame": kl,
            "negative_bound_per_frame": means["negative_bound_per_frame"],
        }

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
