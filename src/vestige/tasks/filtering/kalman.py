"""The Kalman filter and the Rauch-Tung-Striebel smoother: what the best filter and the best hindsight know."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Float


class LinearGaussian(eqx.Module):
    """s_1 ~ N(mean, covariance), s_t = A s_{t-1} + N(0, Q), y_t = C s_t + N(0, R_t); R_t is given with the y_t."""

    transition: Float[Array, "d d"]
    process: Float[Array, "d d"]
    emission: Float[Array, "r d"]
    mean: Float[Array, " d"]
    """Of s_1, before y_1 is seen."""
    covariance: Float[Array, "d d"]


class Beliefs(NamedTuple):
    """p(s_t | y_1 … y_t) and p(s_t | y_1 … y_{t-1}) for every t, and log p(y_1 … y_T) in nats."""

    means: Float[Array, "time d"]
    covariances: Float[Array, "time d d"]
    predicted_means: Float[Array, "time d"]
    predicted_covariances: Float[Array, "time d d"]
    log_likelihood: Float[Array, ""]


class Hindsight(NamedTuple):
    """p(s_t | y_1 … y_T) for every t, and Cov(s_{t+1}, s_t | y_1 … y_T) for every t but the last."""

    means: Float[Array, "time d"]
    covariances: Float[Array, "time d d"]
    lag_one: Float[Array, "time-1 d d"]


def kalman_filter(
    world: LinearGaussian,
    observations: Float[Array, "time r"],
    noise: Float[Array, "time r r"],
    *,
    difference: Callable[[Array, Array], Array] = jnp.subtract,
) -> Beliefs:
    """Filter one sequence; `noise` is R_t. Where an observation is NaN the step is predicted and not corrected.

    Joseph form, so that covariances stay symmetric and positive; Cholesky factors, never inverses. `difference` makes
    the innovation of y_t and C m: on a ring the short way round. In the dtype of its arguments; time O(time · d³).

    **Arguments:**

    - `world`: the linear Gaussian world.
    - `observations`: (time, r).
    - `noise`: R_t, (time, r, r).
    - `difference`: makes the innovation of y_t and C m.
    """
    identity = jnp.eye(world.mean.shape[0], dtype=world.mean.dtype)
    emission = world.emission
    matmul = lambda *factors: jnp.linalg.multi_dot(factors, precision=jax.lax.Precision.HIGHEST)

    def correct(mean: Array, covariance: Array, y: Array, r: Array) -> tuple[Array, Array, Array]:
        spread = matmul(emission, covariance, emission.T) + r
        factor = jsl.cho_factor(spread, lower=True)
        gain = jsl.cho_solve(factor, matmul(emission, covariance)).T
        innovation = difference(y, matmul(emission, mean))
        kept = identity - matmul(gain, emission)
        log_det = 2 * jnp.sum(jnp.log(jnp.diagonal(factor[0])))
        mahalanobis = innovation @ jsl.cho_solve(factor, innovation)
        score = -0.5 * (mahalanobis + log_det + y.shape[0] * jnp.log(2 * jnp.pi).astype(y.dtype))
        corrected = matmul(kept, covariance, kept.T) + matmul(gain, r, gain.T)
        return mean + matmul(gain, innovation), corrected, score

    def step(belief: tuple[Array, Array], seen: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        mean, covariance = belief
        y, r = seen
        missing = jnp.any(jnp.isnan(y))
        filled = jnp.where(missing, 0.0, y)
        noise = jnp.where(missing, jnp.eye(y.shape[0], dtype=y.dtype), r)
        new_mean, new_covariance, score = correct(mean, covariance, filled, noise)
        new_mean = jnp.where(missing, mean, new_mean)
        new_covariance = jnp.where(missing, covariance, new_covariance)
        ahead = matmul(world.transition, new_mean)
        spread = matmul(world.transition, new_covariance, world.transition.T) + world.process
        outputs = (new_mean, new_covariance, mean, covariance, jnp.where(missing, 0.0, score))
        return (ahead, (spread + spread.T) / 2), outputs

    outputs = jax.lax.scan(step, (world.mean, world.covariance), (observations, noise))[1]
    means, covariances, predicted_means, predicted_covariances, scores = outputs
    return Beliefs(means, covariances, predicted_means, predicted_covariances, jnp.sum(scores))


def smooth(world: LinearGaussian, beliefs: Beliefs) -> Hindsight:
    """The Rauch-Tung-Striebel smoother, backwards over the `beliefs` that the filter had in `world`; time O(time ·
    d³).
    """
    matmul = lambda *factors: jnp.linalg.multi_dot(factors, precision=jax.lax.Precision.HIGHEST)

    def step(later: tuple[Array, Array], now: tuple[Array, ...]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        later_mean, later_covariance = later
        mean, covariance, ahead_mean, ahead_covariance = now
        # J = P Aᵀ (P⁻)⁻¹, with P⁻ of the step after
        gain = jsl.cho_solve(jsl.cho_factor(ahead_covariance, lower=True), matmul(world.transition, covariance)).T
        smoothed = mean + matmul(gain, later_mean - ahead_mean)
        spread = covariance + matmul(gain, later_covariance - ahead_covariance, gain.T)
        return (smoothed, spread), (smoothed, spread, matmul(later_covariance, gain.T))

    last = beliefs.means[-1], beliefs.covariances[-1]
    before = beliefs.means[:-1], beliefs.covariances[:-1]
    after = beliefs.predicted_means[1:], beliefs.predicted_covariances[1:]
    means, covariances, lag_one = jax.lax.scan(step, last, (*before, *after), reverse=True)[1]
    join = lambda rest, end: jnp.concatenate([rest, end[None]])
    return Hindsight(join(means, last[0]), join(covariances, last[1]), lag_one)
