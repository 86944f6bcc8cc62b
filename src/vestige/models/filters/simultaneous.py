"""Noise that the values of a step have in common: each value given those before it in the same step."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


def regressions(covariance: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The regression of each value's noise on that of the values before it, by the Cholesky decomposition.

    Correlations are shrunk by p / (steps + p), so that of few steps little is made.

    **Arguments:**

    - `covariance`: (p, p), of the noise.
    - `steps`: from how many it is.

    **Returns:** C (p, p), strictly lower triangular, for which e = r - C r is uncorrelated; and the standard deviations
    of e, (p,). Where the noise of a value is zero, so is its row.
    """
    spread = np.sqrt(np.diag(covariance))
    p, unit = len(spread), np.where(spread > 0, spread, 1.0)
    kept = 1 - p / (steps + p)
    correlation = kept * covariance / np.outer(unit, unit)
    correlation[np.diag_indices(p)] = 1.0
    lower = np.linalg.cholesky(correlation)
    each = np.diag(lower)
    c = np.eye(p) - np.linalg.inv(lower / each[None])
    return np.tril(unit[:, None] * c / unit[None], -1), spread * each


def errors_given(
    c: Float[Array, "p p"], errors: Float[Array, " p"], there: Bool[Array, " p"], noise: Float[Array, " p"]
) -> Float[Array, " p"]:
    """What the values of a step deviate from their expectation, where some of them are not known.

    **Arguments:**

    - `c`: of `regressions`.
    - `errors`: (p,), of those that are there; anything elsewhere.
    - `there`: (p,).
    - `noise`: (p,), what those that are not there deviate from their expectation given the values before them.

    **Returns:** r (p,): r_j = errors_j where j is there, (C r)_j + noise_j elsewhere.
    """
    known = jnp.where(there, errors, noise)
    matrix = jnp.eye(c.shape[0], dtype=c.dtype) - jnp.where(there[:, None], 0.0, c)
    return jax.scipy.linalg.solve_triangular(matrix, known, lower=True, unit_diagonal=True)
