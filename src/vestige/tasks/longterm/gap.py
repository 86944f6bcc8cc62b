"""Perfect recall across a gap: images, a long time of nothing, and then the same images again."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.models.longterm import Observed
from vestige.models.temporal import Bernoulli
from vestige.sequences import AbstractSequence, Window
from vestige.tasks.images import ImagePool
from vestige.tasks.longterm.contract import AbstractMemoryTask
from vestige.tasks.longterm.draws import at_least, drawn_length, in_range, steps_of
from vestige.typing import Key, Metrics


@runtime_checkable
class Describes(Protocol):
    """What the task requires of a model beside remembering."""

    def described(self, memory: Any, inputs: Any, outcome: Array) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """How well a frame is predicted from what is remembered.

        **Arguments:**

        - `memory`: m_t.
        - `inputs`: x_k, what is given at the step.
        - `outcome`: the frame.

        **Returns:** its KL and -log p, or an upper bound of it, in nats.
        """
        ...


class GapSequence(AbstractSequence):
    """Images at the first steps, blank frames, and the images at the last steps. Outcomes are the frames.

    What is given at a step says which image it is, by a one-hot vector, then whether it is shown for the first time and
    whether for the second; zeros in the gap.
    """

    images: Float[Array, "images height width"]
    length: Int[Array, ""]
    key: Key

    def window(self, start: Int[Array, ""], size: int) -> Window:
        before, _ = steps_of(start - 1, size, self.length)
        steps, inside = steps_of(start, size, self.length)
        keys = jax.vmap(lambda step: jax.random.fold_in(self.key, step))(steps)
        (frame, given), (outcome, condition) = self._observed(before), self._observed(steps)
        return Window(Observed(frame, given, condition, steps == 0, keys), outcome, inside, inside)

    def _observed(
        self, steps: Int[Array, " size"]
    ) -> tuple[Float[Array, "size height width"], Float[Array, "size given"]]:
        number = self.images.shape[0]
        again = steps - (self.length - number)
        first, second = steps < number, again >= 0
        which = jnp.clip(jnp.where(first, steps, again), 0, number - 1)
        observed = first | second
        frames = jnp.where(observed[:, None, None], self.images[which], 0.0)
        named = jnp.where(observed[:, None], jax.nn.one_hot(which, number), 0.0)
        phase = jnp.stack([first, second], axis=1).astype(named.dtype)
        return frames, jnp.concatenate([named, phase], axis=1)


class GapRecall(AbstractMemoryTask):
    """`num_images` images, `gap` blank frames, and the same images again: a generative memory must hold them all that
    time.

    What is given with a frame names the image (`num_images + 2` numbers), so that it can be queried from anywhere.
    Length `2 num_images + gap`; the queries are the last frames. With `min_distance`, sequences to train on have gaps
    from that to `gap`, every octave for the same share of all steps; held-out ones always have `gap`.

    Metrics, in nats on held-out images: `kl_recall`, mean over the frames shown again; `kl_fresh`, over those shown
    first; `kl_last`, the last frame; `negative_bound`, per frame shown.

    **Raises:** `ValueError` where `num_images` or `gap` is not positive or `min_distance` is not in 1..`gap`.
    """

    train: ImagePool
    test: ImagePool
    num_images: int = eqx.field(static=True, default=5)
    gap: int = eqx.field(static=True, default=2000)
    min_distance: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        at_least(1, "GapRecall", num_images=self.num_images, gap=self.gap)
        in_range("GapRecall", "min_distance", self.min_distance, "gap", self.gap)

    @property
    def steps(self) -> int:
        return 2 * self.num_images + self.gap

    @property
    def frames(self) -> int:
        """How many frames are worth keeping."""
        return 2 * self.num_images

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.train.frame_shape

    @property
    def likelihood(self) -> Bernoulli:
        """Of a frame, which is binary."""
        return Bernoulli()

    @property
    def condition_size(self) -> int:
        """How many numbers are given with a frame."""
        return self.num_images + 2

    def sequence(self, *, key: Key) -> GapSequence:
        return self._of(self.train, drawn_length(self.gap, self.min_distance, key=jax.random.fold_in(key, 1)), key)

    def held_out(self, *, key: Key) -> GapSequence:
        return self._of(self.test, jnp.array(self.gap, jnp.int32), key)

    def _of(self, pool: ImagePool, gap: Int[Array, ""], key: Key) -> GapSequence:
        key_images, key_noise = jax.random.split(key)
        return GapSequence(pool.draw(self.num_images, key=key_images), gap + 2 * self.num_images, key_noise)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length - self.num_images + jnp.arange(self.num_images, dtype=jnp.int32)

    def eval_steps(self, sequence: AbstractSequence) -> Int[Array, " evaluated"]:
        return jnp.concatenate([jnp.arange(self.num_images, dtype=jnp.int32), self.queries(sequence)])

    def answers(self, model: Describes, memories: Any, queried: Window) -> dict[str, Array]:
        kl, cost = jax.vmap(model.described)(memories, queried.inputs, queried.outcomes)
        recalled = kl[self.num_images :]
        return {
            "kl_recall": recalled,
            "kl_fresh": kl[: self.num_images],
            "kl_last": recalled[-1:],
            "negative_bound": kl + cost,
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A perfect memory pays nothing for a frame it has kept; none pays what a fresh frame costs."""
        recalled = {"best": 0.0, "chance": float(metrics["kl_fresh"])}
        return {"kl_recall": recalled, "kl_last": recalled}
