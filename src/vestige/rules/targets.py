"""What is fitted at a single step in time: a joint, a transition or a multi-step density."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.filters import AbstractFilter, RecurrentVAE


class AbstractTarget(eqx.Module):
    """What is taken for data at a step, and what density of it the model has."""

    @property
    def ahead(self) -> int:
        """How many observations after the step's own are read."""
        return 0

    @abc.abstractmethod
    def __call__(
        self, model: Any, previous: Float[Array, " hidden"], observations: Float[Array, "upcoming observed"]
    ) -> tuple[Any, Any]:
        """The density that is fitted at a step, and the value whose density is raised.

        **Arguments:**

        - `model`: an [`AbstractFilter`][vestige.models.filters.AbstractFilter].
        - `previous`: (hidden,), the state x_{t-1}.
        - `observations`: (1 + `ahead`, observed), y_t and those after it.

        **Returns:** the density, and the value: what an `AbstractStepObjective` takes.

        **Raises:** `ValueError` where model or observations are not those that the target needs.
        """


class JointTarget(AbstractTarget):
    """p(x_{t-1}, y_t): the previous state is data like the observation, so the state must hold what the two share."""

    def __call__(self, model: AbstractFilter, previous: Array, observations: Array) -> tuple[Any, Any]:
        return model.joint(), (previous, observations[0])


class TransitionTarget(AbstractTarget):
    """p(y_t | x_{t-1}): nothing requires the state to hold anything, unless gradients come from later steps."""

    def __call__(self, model: AbstractFilter, previous: Array, observations: Array) -> tuple[Any, Any]:
        return model.given(previous), observations[0]


class MultiStepTarget(AbstractTarget):
    """p(x_{t-1}, y_t, y_{t+l} for some lags l), the last as far as the first two can tell.

    What the state must hold is what it takes to predict, so what the next state is made of is worth having: by
    induction a prediction one step ahead is enough to make the state a filter (a predictive state: Littman, Sutton &
    Singh 2001). Later observations are data of the step, which costs a delay of the largest lag; no gradient crosses
    time.

    **Arguments:**

    - `lags`: those of the model.
    - `of`: the target of the step itself: `JointTarget`, or `TransitionTarget` where x_{t-1} is only what is given.
    """

    lags: tuple[int, ...] = eqx.field(static=True)
    of: JointTarget | TransitionTarget = JointTarget()

    @property
    def ahead(self) -> int:
        return max(self.lags)

    def __call__(self, model: RecurrentVAE, previous: Array, observations: Array) -> tuple[Any, Any]:
        if model.lags != self.lags:
            raise ValueError(f"MultiStepTarget: lags must be those of the model, {model.lags}, got {self.lags}")
        if observations.shape[0] < 1 + self.ahead:
            raise ValueError(
                f"MultiStepTarget: observations must be y_t and the {self.ahead} after it, got {observations.shape[0]}"
            )
        density, value = self.of(model, previous, observations[:1])
        now = value if isinstance(value, tuple) else (value,)
        return density, (*now, observations[jnp.asarray(self.lags)])
