"""A small classifier of digits, fitted on the host and run on the device."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.numerics import batched_map
from vestige.tasks.digits import CLASSES, digit_labels
from vestige.tasks.images import ImagePool

EXAMPLES = 3000  # images to learn from
RIDGE, NARROWNESS = 0.1, 2.0


class DigitClassifier(eqx.Module):
    """Ridge regression of the ten digits on Gaussian kernels about known images, by scikit-learn.

    Classifying a frame costs a product with at most 3,000 images.
    """

    examples: Float[Array, "examples pixels"]
    weights: Float[Array, "examples classes"]
    narrowness: Float[Array, ""]
    """Of the kernel exp(-narrowness · squared distance)."""

    @classmethod
    def fitted(cls, pool: ImagePool) -> "DigitClassifier":
        """Learnt from the first 3,000 images of the pool, binary: some seconds on one core, always alike.

        **Raises:** `ValueError` where an image has no label in 0..9.
        """
        from sklearn.kernel_ridge import KernelRidge

        labels = np.asarray(digit_labels(pool, "a classifier of digits"))[:EXAMPLES]
        pixels = np.asarray(pool.pixels[:EXAMPLES] >= 128, np.float32).reshape(len(labels), -1)
        narrowness = NARROWNESS / (pixels.shape[1] * max(float(pixels.var()), 1e-3))
        machine = KernelRidge(alpha=RIDGE, kernel="rbf", gamma=narrowness)  # pyright: ignore[reportArgumentType]
        machine.fit(pixels, np.eye(CLASSES)[labels])
        weights = jnp.asarray(machine.dual_coef_, jnp.float32)
        return cls(jnp.asarray(pixels), weights, jnp.asarray(narrowness, jnp.float32))

    def __call__(self, frame: Float[Array, "height width"]) -> Int[Array, ""]:
        """The digit that a frame with values in [0, 1] most likely shows, taken as ink from one half on."""
        ink = (frame >= 0.5).astype(jnp.float32).reshape(-1)
        distance = jnp.sum(jnp.square(self.examples - ink[None]), axis=1)
        return jnp.argmax(jnp.exp(-self.narrowness * distance) @ self.weights)

    def recognised(self, pool: ImagePool, digit: int) -> float:
        """The part of a pool's images of this digit that are taken for it."""
        labels = np.asarray(digit_labels(pool, "a classifier of digits"))
        frames = (pool.pixels[np.flatnonzero(labels == digit)] >= 128).astype(jnp.float32)
        found = batched_map(self, frames, at_most=64)
        return float(jnp.mean((found == digit).astype(jnp.float32)))
