"""The case that can be solved: one factor, an AR(1) world, several sensors."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class LinearFilter(NamedTuple):
    """x_t = pole x_{t-1} + gains · y_t."""

    pole: Float[Array, ""]
    gains: Float[Array, " sensors"]


def refitted(
    current: LinearFilter, *, persistence: Float[Array, ""], noise: Float[Array, " sensors"], damping: float
) -> LinearFilter:
    """One sweep of the population rule: the pair (x_{t-1}, y_t) as `current` makes it, fitted anew, and a step of
    `damping` towards the filter that this requires.

    The world is s_t = persistence s_{t-1} + w with Var(s) = 1 and y_t^i = s_t + v^i, Var(v^i) = `noise`. The fixed
    point is the Kalman filter; with `damping` 1, which is full re-fitting, the sweeps oscillate. (The notes' 3.5.)
    """
    pole, gains = current
    total = jnp.sum(gains)
    covariance = total / (1 - pole * persistence)
    variance = (2 * pole * total * persistence * covariance + total**2 + jnp.sum(gains**2 * noise)) / (1 - pole**2)
    loading = persistence * covariance
    uniqueness = variance - loading**2
    precision = 1 + loading**2 / uniqueness + jnp.sum(1 / noise)
    towards = LinearFilter(loading / uniqueness / precision, 1 / noise / precision)
    return LinearFilter(*(old + damping * (new - old) for old, new in zip(current, towards, strict=True)))


def error(current: LinearFilter, *, persistence: Float[Array, ""], noise: Float[Array, " sensors"]) -> Float[Array, ""]:
    """The mean squared error at stationarity of the best multiple of x_t as an estimate of s_t.

    **Arguments:**

    - `current`: the filter, whose state is x_t.
    - `persistence`: the coefficient of the AR(1) process s_t, of variance 1.
    - `noise`: (sensors,), variance of each sensor.
    """
    total = jnp.sum(current.gains)
    covariance = total / (1 - current.pole * persistence)
    variance = (2 * current.pole * total * persistence * covariance + total**2 + jnp.sum(current.gains**2 * noise)) / (
        1 - current.pole**2
    )
    return 1 - covariance**2 / variance
