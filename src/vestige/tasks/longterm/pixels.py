"""Images that are read one pixel after the other."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from vestige.sequences import AbstractSequence, Window
from vestige.tasks.digits import CLASSES, digit_labels
from vestige.tasks.images import ImagePool
from vestige.tasks.longterm.choice import AbstractChoice
from vestige.tasks.longterm.draws import at_least, steps_of
from vestige.typing import Key


class PixelSequence(AbstractSequence):
    """One intensity in [0, 1] per step, and at the last step the digit that they made."""

    pixels: UInt8[Array, " time"]
    digit: Int[Array, ""]
    length: Int[Array, ""]

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps, inside = steps_of(start, size, self.length)
        inputs = self.pixels[steps].astype(jnp.float32) / 255.0
        known = inside & (steps == self.length - 1)
        return Window(inputs[:, None], jnp.full(size, self.digit), known, inside)


class PixelImages(AbstractChoice):
    """Grey images of digits, one pixel per step: row by row, or in the order of a permutation (MemUP section 5.1).

    Of 28 x 28 images, `scale=1` makes sequences of 784 steps and `scale=2` of 3136: every pixel is repeated `scale`
    times in both directions before the permutation. `border=14` makes 3136 as well, of an image in the middle of black
    pixels, so many on every side (addendum A). One order serves all images, to train on and held out:
    `jax.random.permutation(key, steps)` makes one. Images are drawn with replacement; the levels of chance are those
    of the held-out images' digits.

    **Raises:** `ValueError` where `scale < 1`, where `border < 0`, where the two pools differ in the shape of an image,
    where an image has no label in 0..9, or where `permutation` is not one of 0 … steps - 1.
    """

    train: ImagePool
    test: ImagePool
    scale: int = eqx.field(static=True, default=1)
    permutation: Int[Array, " steps"] | None = None
    border: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        at_least(1, "PixelImages", scale=self.scale)
        at_least(0, "PixelImages", border=self.border)
        for pool in (self.train, self.test):
            digit_labels(pool, "PixelImages")
        if self.train.frame_shape != self.test.frame_shape:
            raise ValueError(
                f"PixelImages: images must have one shape, got {self.train.frame_shape} to train on and "
                f"{self.test.frame_shape} held out"
            )
        if self.permutation is None:
            return
        if not np.array_equal(np.sort(np.asarray(self.permutation)), np.arange(self.steps)):
            raise ValueError(
                f"PixelImages: permutation must hold each of 0..{self.steps - 1} once, "
                f"got {self.permutation.shape[0]} numbers that do not"
            )

    @property
    def steps(self) -> int:
        height, width = (side + 2 * self.border for side in self.train.frame_shape)
        return height * width * self.scale**2

    @property
    def max_distance(self) -> int:
        return self.steps

    @property
    def tokens(self) -> None:
        return None

    @property
    def features(self) -> int:
        return 1

    @property
    def classes(self) -> int:
        return CLASSES

    def prior(self) -> Float[Array, " classes"]:
        assert self.test.labels is not None
        return jnp.bincount(self.test.labels, length=CLASSES).astype(jnp.float32) / self.test.size

    def sequence(self, *, key: Key) -> PixelSequence:
        return self._of(self.train, key)

    def held_out(self, *, key: Key) -> PixelSequence:
        return self._of(self.test, key)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return sequence.length[None] - 1

    def _of(self, pool: ImagePool, key: Key) -> PixelSequence:
        assert pool.labels is not None
        index = pool.pick(1, key=key)[0]
        image = jnp.pad(pool.pixels[index], self.border)
        large = jnp.repeat(jnp.repeat(image, self.scale, axis=0), self.scale, axis=1).reshape(-1)
        ordered = large if self.permutation is None else large[self.permutation]
        return PixelSequence(ordered, pool.labels[index].astype(jnp.int32), jnp.array(self.steps, jnp.int32))
