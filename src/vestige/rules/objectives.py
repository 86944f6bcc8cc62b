"""Objectives of a single step: how a density is fitted to one value."""

import abc
import math
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from vestige.typing import Key


class AbstractStepObjective(eqx.Module):
    """A number whose gradient raises the density of a value: its logarithm, a bound of it, or neither but a statistic
    with the right gradient."""

    @abc.abstractmethod
    def __call__(self, density: Any, value: Any, *, key: Key) -> Float[Array, ""]:
        """What raises the density of a value at one step, to be maximised.

        **Arguments:**

        - `density`: of the step, as a model gives it; which methods it must have, each objective says.
        - `value`: an array or a tuple of arrays, held fixed.
        - `key`: of the noise, where there is any.

        **Returns:** one number, in nats where it is a log-likelihood or a bound of one.
        """


class MaximumLikelihood(AbstractStepObjective):
    """log q(value), of a density that knows it (`log_prob(value)`)."""

    def __call__(self, density: Any, value: Any, *, key: Key) -> Float[Array, ""]:
        return density.log_prob(value)


class ELBO(AbstractStepObjective):
    """A lower bound of log q(value), of a density that has one (`bound(value, key=…)`)."""

    def __call__(self, density: Any, value: Any, *, key: Key) -> Float[Array, ""]:
        return density.bound(value, key=key)


class ContrastiveDivergence(AbstractStepObjective):
    """The statistic of contrastive divergence, of a density that has one (`contrast`), see
    [`Harmonium`][vestige.models.harmonium.Harmonium].

    **Arguments:**

    - `sweeps`: n of CD-n, sweeps of Gibbs sampling.
    - `noise`: share of the chains that start far from the data.
    - `sampled`: whether the positive statistics have hidden bits, or their means.
    - `sparsity`: weight, in nats, of the cross-entropy between hidden bits that are 1 with probability `activity` and
      the hidden means (`sparsity` of the density); rbmish has 0.2 for spike counts. 0: none.
    - `activity`: mean of the hidden bits that is wanted, in (0, 1).

    **Raises:** `ValueError` for sweeps below 1, noise outside [0, 1], negative sparsity or activity outside (0, 1).
    """

    sweeps: int = eqx.field(static=True, default=1)
    noise: float = eqx.field(static=True, default=0.0)
    sampled: bool = eqx.field(static=True, default=False)
    sparsity: float = eqx.field(static=True, default=0.0)
    activity: float = eqx.field(static=True, default=0.05)

    def __check_init__(self):
        if self.sweeps < 1:
            raise ValueError(f"ContrastiveDivergence: sweeps must be at least 1, got {self.sweeps}")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"ContrastiveDivergence: noise must be in [0, 1], got {self.noise}")
        if not 0 <= self.sparsity < math.inf:
            raise ValueError(f"ContrastiveDivergence: sparsity must be finite and at least 0, got {self.sparsity}")
        if not 0 < self.activity < 1:
            raise ValueError(f"ContrastiveDivergence: activity must be in (0, 1), got {self.activity}")

    def __call__(self, density: Any, value: Any, *, key: Key) -> Float[Array, ""]:
        contrast = density.contrast(value, sweeps=self.sweeps, noise=self.noise, sampled=self.sampled, key=key)
        return contrast + self.penalty(density, value)

    def penalty(self, density: Any, value: Any) -> Float[Array, ""] | float:
        """The part that keeps hidden bits rare, to be maximised too.

        **Arguments:**

        - `density`, `value`: of the step.

        **Returns:** one number, nats; 0 without `sparsity`.
        """
        return self.sparsity * density.sparsity(value, self.activity) if self.sparsity else 0.0
