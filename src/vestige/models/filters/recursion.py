"""What of a filter is fitted in closed form as a stream goes on: regressions on lags with several memories."""

import abc
import math
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.filters.contract import AbstractFilter, replaced
from vestige.models.filters.lag_choice import Toward

if TYPE_CHECKING:
    from vestige.models.filters.autoregressive import Autoregressive

MEMORIES = (50.0, 200.0, 1000.0, 5000.0)
"""Steps after which a regression has forgotten all but 1/e of a step."""
COMPARED = 30.0
"""Steps over which the errors of the regressions are compared, likewise."""
SPREAD_MEMORY = 50.0
"""Steps over which the size of the errors is measured, likewise."""
OUTLIER = 5.0
"""Errors beyond so many standard deviations count for no more than that."""
LEAST_PRECISION = 1e-6
"""Of a weight before any step, and always of the constant: there is a solution."""
LEAST_VARIANCE = 1e-8
"""Of errors, in units of the variance of the values."""


class AbstractRecursion(eqx.Module):
    """Sums over the steps that have gone by, from which a part of a filter is solved for anew at every step."""

    @abc.abstractmethod
    def after(
        self, model: Any, state: Float[Array, " hidden"], observation: Float[Array, " observed"]
    ) -> tuple[AbstractFilter, "AbstractRecursion"]:
        """What a step teaches.

        **Arguments:**

        - `model`: the filter.
        - `state`: (hidden,), x_{t-1}.
        - `observation`: (observed,), y_t; NaN where missing.

        **Returns:** the filter with what was solved for, and the sums with this step.
        """


class RecursiveLags(AbstractRecursion):
    """Ridge regressions of the change to the next value on lags, each with a memory of its own, and their mixture.

    A regression forgets: a step that lies k back counts exp(-k / memory). Of each value the regressions are mixed by
    how well they predicted it of late, with weights softmax(-½ Σ errors² / variance), errors COMPARED steps back
    counting 1/e: short memories win after a change, long ones where nothing changes. (Recursive least squares with
    forgetting; the mixture is that of Raftery, Kárný & Ettler's dynamic model averaging, 2010, of models that differ in
    what they forget.) An error beyond 5 standard deviations counts as one of 5. Of a value that is missing each
    regression learns what it expected, which leaves it as it was.

    A step costs O(memories · lags³) time and O(memories · lags²) memory.

    **Arguments:**

    - `model`: an autoregression of real numbers, of order 1 at least.
    - `memories`: in steps.
    - `penalty`: of the regressions: per step, in units of the variances of values and changes.
    - `toward`: what it draws the prediction to.

    **Raises:** `ValueError` for memories that are not above 1 or none, and a penalty that is not positive.
    """

    products: Float[Array, "memories lags lags"]
    moments: Float[Array, "memories lags observed"]
    steps: Float[Array, " memories"]
    solved: Float[Array, "memories lags observed"]
    errors: Float[Array, "memories observed"]
    variance: Float[Array, " observed"]
    drawn: Float[Array, "lags observed"]
    """To which the penalty draws the weights."""
    memories: tuple[float, ...] = eqx.field(static=True)
    penalty: float = eqx.field(static=True)

    def __init__(
        self,
        model: "Autoregressive",
        *,
        memories: tuple[float, ...] = MEMORIES,
        penalty: float,
        toward: Toward = "last-value",
    ):
        if not memories or not min(memories) > 1:
            raise ValueError(f"RecursiveLags: memories must be above 1 step, got {memories}")
        if not penalty > 0:
            raise ValueError(f"RecursiveLags: penalty must be positive, got {penalty}")
        lags, observed, count = model.weights.shape[0] + 1, model.family.size, len(memories)
        start = jnp.concatenate([model.weights, model.offset[None]])
        self.products, self.moments = jnp.zeros((count, lags, lags)), jnp.zeros((count, lags, observed))
        self.steps, self.errors = jnp.zeros(count), jnp.zeros((count, observed))
        self.solved = jnp.repeat(start[None], count, axis=0)
        self.variance = jnp.square(model.spread)
        none = jnp.zeros((lags, observed))
        self.drawn = none if toward == "last-value" else none.at[:observed].set(-jnp.diag(model.value))
        self.memories, self.penalty = memories, penalty

    def after(
        self, model: "Autoregressive", state: Float[Array, " hidden"], observation: Float[Array, " observed"]
    ) -> "tuple[Autoregressive, RecursiveLags]":
        lags = jnp.concatenate([model.features(state), jnp.ones(1)])
        change = observation - model.reconstruct(state)
        there = jnp.isfinite(change) & (state[0] > 0)
        expected = jnp.einsum("l,mlo->mo", lags, self.solved, precision=jax.lax.Precision.HIGHEST)
        missed = jnp.where(there[None], change[None] - expected, 0.0)
        mixed = jnp.sum(self._shares() * missed, axis=0)
        largest = OUTLIER**2 * self.variance
        weight = OUTLIER / jnp.maximum(jnp.max(jnp.abs(mixed) / jnp.sqrt(self.variance)), OUTLIER)
        found = self._summed(lags, expected + missed, there, weight)
        errors = self._kept(COMPARED) * self.errors + jnp.minimum(jnp.square(missed), largest[None])
        news = jnp.minimum(jnp.square(mixed), largest) - self.variance
        variance = self.variance + (1 - self._kept(SPREAD_MEMORY)) * jnp.where(there, news, 0.0)
        found = replaced(
            found,
            errors=jnp.where(there[None], errors, self.errors),
            variance=jnp.maximum(variance, LEAST_VARIANCE),
        )
        found = jax.tree.map(lambda new, old: jnp.where(jnp.any(there), new, old), found, self)
        solution = jnp.sum(found._shares()[:, None] * found.solved, axis=0)
        solved = {"weights": solution[:-1], "offset": solution[-1], "spread": jnp.sqrt(found.variance)}
        return replaced(model, **solved), found

    def _shares(self) -> Float[Array, "memories observed"]:
        return jax.nn.softmax(-0.5 * self.errors / self.variance[None], axis=0)

    def _kept(self, memory: float) -> float:
        return math.exp(-1 / memory)

    def _summed(self, lags: Array, change: Array, there: Array, weight: Array) -> "RecursiveLags":
        """With a step more, solved; what is not there is as the regressions expect, and so is their penalty."""
        kept = jnp.asarray([self._kept(memory) for memory in self.memories])
        each = jnp.full(len(lags), self.penalty).at[-1].set(0.0)
        news = lags[None, :, None] * change[:, None]
        held = each[None, :, None] * (self.solved - self.drawn[None])
        news = news + jnp.where(there[None, None], 0.0, held)
        products = kept[:, None, None] * self.products + weight * (lags[:, None] * lags[None])[None]
        moments = kept[:, None, None] * self.moments + weight * news
        steps = kept * self.steps + weight
        ridge = steps[:, None] * each[None] + LEAST_PRECISION
        matrix = products + ridge[:, :, None] * jnp.eye(len(lags))[None]
        solved = jnp.linalg.solve(matrix, moments + ridge[:, :, None] * self.drawn[None])
        return replaced(self, products=products, moments=moments, steps=steps, solved=solved)
