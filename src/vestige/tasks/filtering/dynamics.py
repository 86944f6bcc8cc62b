"""Linear worlds that are seen through sensors (notes 5.2)."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.tasks.filtering.kalman import LinearGaussian
from vestige.typing import Key

STEP = 0.05
"""Seconds between two observations."""
RANGE = math.pi / 3
"""Positions begin within ±(RANGE - 0.05) rad."""


class LinearWorld(eqx.Module):
    """`dims` independent copies of s_t = A s_{t-1} + N(0, diag(noise)); of a copy's n numbers some are observed.

    A copy's first state has each number uniform in ± `reach`, plus Gaussian noise of variance `spread`. The first
    observed number is the position.

    **Raises:** `ValueError` where the sizes do not agree or nothing is observed.
    """

    transition: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    noise: tuple[float, ...] = eqx.field(static=True)
    reach: tuple[float, ...] = eqx.field(static=True)
    spread: tuple[float, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    observed: tuple[int, ...] = eqx.field(static=True, default=(0,))
    dims: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        n = len(self.names)
        sizes = [len(self.transition), *map(len, self.transition), len(self.noise), len(self.reach), len(self.spread)]
        if any(size != n for size in sizes):
            raise ValueError(f"LinearWorld: transition, noise, reach and spread must be of {n} numbers as names are")
        if self.dims < 1 or not self.observed or not set(self.observed) <= set(range(n)):
            raise ValueError(
                f"LinearWorld: needs dims >= 1 and observed numbers among 0..{n - 1}, "
                f"got dims={self.dims}, observed={self.observed}"
            )

    def model(self) -> LinearGaussian:
        """One copy for the Kalman filter; the first state's uniform part by its variance, reach² / 3."""
        n, array = len(self.names), lambda values: jnp.asarray(np.asarray(values, np.float32))
        first = np.square(self.reach) / 3 + np.asarray(self.spread)
        return LinearGaussian(
            transition=array(self.transition),
            process=array(np.diag(self.noise)),
            emission=array(np.eye(n)[list(self.observed)]),
            mean=jnp.zeros(n),
            covariance=array(np.diag(first)),
        )

    def trajectory(self, steps: int, *, key: Key) -> Float[Array, "time dims n"]:
        """True states at `steps` times."""
        array = lambda values: jnp.asarray(np.asarray(values, np.float32))
        shape = (self.dims, len(self.names))
        key_place, key_first, key_noise = jax.random.split(key, 3)
        place = jax.random.uniform(key_place, shape, minval=-1.0, maxval=1.0) * array(self.reach)[None]
        first = place + jax.random.normal(key_first, shape) * jnp.sqrt(array(self.spread))[None]
        kicks = jax.random.normal(key_noise, (steps - 1, *shape)) * jnp.sqrt(array(self.noise))[None, None]
        turn = array(self.transition)

        def step(state: Array, kick: Array) -> tuple[Array, Array]:
            # A sum and no matrix product, whose rounding would depend on how many sequences are drawn together.
            after = jnp.sum(turn[None] * state[:, None, :], axis=-1) + kick
            return after, after

        return jnp.concatenate([first[None], jax.lax.scan(step, first, kicks)[1]])


def oscillator(dims: int = 1, *, mass: float = 5.0, damping: float = 0.25, spring: float = 3.0) -> LinearWorld:
    """A mass on a spring with friction: position in rad, velocity in rad/s; its position is observed.

    A = [[1, dt], [-k dt / m, 1 - b dt / m]], Q = diag(5e-7, 5e-5), dt = 0.05 s, m = 5, b = 0.25, k = 3.

    **Arguments:**

    - `dims`: independent masses.
    - `mass`, `damping`, `spring`: m, b and k.
    """
    return LinearWorld(
        transition=_spring(mass, damping, spring),
        noise=(5e-7, 5e-5),
        reach=(RANGE - 0.05, 0.0),
        spread=(0.0, 5e-10),
        names=("position", "velocity"),
        dims=dims,
    )


def free(dims: int = 1, *, mass: float = 5.0, damping: float = 0.25, speed: float = 1.9) -> LinearWorld:
    """No spring and 50 times the noise, so that the mass goes round the ring.

    The limit of the velocity in the authors' code, 1.9 rad/s, is taken as that of the *first* velocity, uniform within
    it: that leaves the world linear and the Kalman filter optimal. This is a reading, not known to be theirs.

    **Arguments:**

    - `dims`: independent masses.
    - `mass`, `damping`: m and b, as in `oscillator`.
    - `speed`: rad/s, the limit of the first velocity.
    """
    return LinearWorld(
        transition=_spring(mass, damping, 0.0),
        noise=(50 * 5e-7, 50 * 5e-5),
        reach=(RANGE - 0.05, speed),
        spread=(0.0, 0.0),
        names=("position", "velocity"),
        dims=dims,
    )


def driven(dims: int = 1, *, mass: float = 5.0, damping: float = 0.25, spring: float = 3.0) -> LinearWorld:
    """A force drives the mass, and a copy of it (efference copy) is observed beside the position.

    A = [[A, G], [0, 0.9994]], G = (0, dt / m), Q = diag(5e-5, 1e-6, 7.5e-4).

    **Arguments:**

    - `dims`: independent masses.
    - `mass`, `damping`, `spring`: m, b and k, as in `oscillator`.
    """
    (a, b), (c, d) = _spring(mass, damping, spring)
    return LinearWorld(
        transition=((a, b, 0.0), (c, d, STEP / mass), (0.0, 0.0, 0.9994)),
        noise=(5e-5, 1e-6, 7.5e-4),
        reach=(RANGE - 0.05, 0.0, 0.0),
        spread=(0.0, 5e-10, 5e-10),
        names=("position", "velocity", "control"),
        observed=(0, 2),
        dims=dims,
    )


def _spring(mass: float, damping: float, spring: float) -> tuple[tuple[float, float], tuple[float, float]]:
    if mass <= 0 or damping < 0 or spring < 0:
        raise ValueError(
            f"needs mass > 0, damping >= 0 and spring >= 0, got mass={mass}, damping={damping}, spring={spring}"
        )
    return (1.0, STEP), (-spring * STEP / mass, 1 - damping * STEP / mass)
