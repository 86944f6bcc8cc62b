"""Linear readouts of states, and how much of a quantity they recover."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Readout(NamedTuple):
    """x ↦ offset + (x - centre) / scale · weights."""

    centre: Float[Array, " features"]
    scale: Float[Array, " features"]
    weights: Float[Array, "features targets"]
    offset: Float[Array, " targets"]

    def __call__(self, features: Float[Array, "n features"]) -> Float[Array, "n targets"]:
        scaled = (features - self.centre[None]) / self.scale[None]
        product = jnp.matmul(scaled, self.weights, precision=jax.lax.Precision.HIGHEST)
        return self.offset[None] + product


def ridge(
    features: Float[Array, "n features"],
    targets: Float[Array, "n targets"],
    *,
    penalty: float | Float[Array, ""] = 1e-6,
    weights: Float[Array, " n"] | None = None,
) -> Readout:
    """The linear readout with the least squared error plus `penalty` · n · |weights|² in standardised features.

    Solved by QR of the features with the penalty's root below them, which needs half the digits that normal equations
    would: float32 serves. A feature that never changes gets no weight. Rows of weight 0 are left out, whatever they
    hold. Time O(n · features²).

    **Arguments:**

    - `features`: (n, features).
    - `targets`: (n, targets).
    - `penalty`: not negative.
    - `weights`: (n,), of the rows; None: all count alike.
    """
    weights = jnp.ones(features.shape[0], features.dtype) if weights is None else weights
    here = weights[:, None] > 0
    features, targets = jnp.where(here, features, 0.0), jnp.where(here, targets, 0.0)
    total = jnp.maximum(jnp.sum(weights), 1.0)
    mean = lambda x: jnp.sum(weights[:, None] * x, axis=0) / total
    centre, offset = mean(features), mean(targets)
    deviations = features - centre[None]
    spread = jnp.sqrt(mean(jnp.square(deviations)))
    # A constant feature has a spread of rounding errors, which must not be blown up to 1.
    scale = jnp.where(spread > 1e-6 * (jnp.abs(centre) + 1e-6), spread, jnp.inf)
    root = jnp.sqrt(weights)[:, None]
    penalised = jnp.sqrt(jnp.asarray(penalty, features.dtype) * total) * jnp.eye(
        features.shape[1], dtype=features.dtype
    )
    q, r = jnp.linalg.qr(jnp.concatenate([root * deviations / scale[None], penalised]))
    highest = jax.lax.Precision.HIGHEST
    projected = jnp.matmul(q[: features.shape[0]].T, root * (targets - offset[None]), precision=highest)
    return Readout(centre, scale, jax.scipy.linalg.solve_triangular(r, projected), offset)


def chosen_ridge(
    features: Float[Array, "n features"], targets: Float[Array, "n targets"], weights: Float[Array, " n"]
) -> Readout:
    """`ridge` with the penalty, of 1e-4, 1e-3, … 10, that serves best: fitted on the first four fifths of the rows and
    evaluated on the others, then fitted anew on all. For few rows and many features.

    **Arguments:**

    - `features`: (n, features).
    - `targets`: (n, targets).
    - `weights`: (n,), of the rows.
    """
    cut = 4 * features.shape[0] // 5
    early = jnp.where(jnp.arange(features.shape[0]) < cut, weights, 0.0)
    late = weights - early

    def error(penalty: Array) -> Array:
        missed = ridge(features, targets, penalty=penalty, weights=early)(features) - targets
        return jnp.sum(jnp.where(late[:, None] > 0, jnp.square(missed), 0.0))

    penalties = jnp.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0])
    best = penalties[jnp.argmin(jax.lax.map(error, penalties))]
    return ridge(features, targets, penalty=best, weights=weights)


def r2(
    errors: Float[Array, "n targets"], targets: Float[Array, "n targets"], weights: Float[Array, " n"] | None = None
) -> Float[Array, ""]:
    """1 - (mean squared error) / variance, both summed over the targets; 1 is perfect, 0 is what their mean gives.

    **Arguments:**

    - `errors`, `targets`: (n, targets), in the same units.
    - `weights`: (n,), of the rows; None: all count alike.
    """
    weights = jnp.ones(targets.shape[0], targets.dtype) if weights is None else weights
    here = weights[:, None] > 0
    errors, targets = jnp.where(here, errors, 0.0), jnp.where(here, targets, 0.0)
    centre = jnp.sum(weights[:, None] * targets, axis=0) / jnp.maximum(jnp.sum(weights), 1.0)
    variance = jnp.sum(weights[:, None] * jnp.square(targets - centre[None]))
    return 1 - jnp.sum(weights[:, None] * jnp.square(errors)) / variance
