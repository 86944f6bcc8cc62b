"""How far the probabilities of a classifier can be believed."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

BINS = 15


class Reliability(NamedTuple):
    """Decisions sorted by confidence into equal intervals of [0, 1]."""

    confidence: Float[Array, " bins"]
    """Mean probability of the chosen class; 0 in an empty bin."""
    accuracy: Float[Array, " bins"]
    """How often it was right."""
    share: Float[Array, " bins"]
    """Part of all decisions."""

    @property
    def ece(self) -> Float[Array, ""]:
        """Expected calibration error, Σ share · |accuracy - confidence| (Guo et al. 2017)."""
        return jnp.sum(self.share * jnp.abs(self.accuracy - self.confidence))


def reliability(
    probabilities: Float[Array, "rows classes"], labels: Int[Array, " rows"], *, bins: int = BINS
) -> Reliability:
    """Confidence against accuracy. **Raises:** `ValueError` for fewer than 1 bin."""
    if bins < 1:
        raise ValueError(f"reliability: bins must be at least 1, got {bins}")
    chosen = jnp.argmax(probabilities, axis=1)
    confidence = jnp.max(probabilities, axis=1)
    right = (chosen == labels).astype(confidence.dtype)
    place = jnp.clip((confidence * bins).astype(jnp.int32), 0, bins - 1)
    into = jax.nn.one_hot(place, bins, dtype=confidence.dtype)
    counts = jnp.sum(into, axis=0)
    most = jnp.maximum(counts, 1.0)
    return Reliability(confidence @ into / most, right @ into / most, counts / confidence.shape[0])
