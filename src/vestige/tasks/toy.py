"""Rates to be learned so that a random structure costs little."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.estimators import expect
from vestige.models.structured import Rates
from vestige.numerics import batched_map
from vestige.structures import AbstractStructure
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.typing import Batch, Key, Metrics

GRADIENTS = 64  # estimates behind a standard deviation
EVALUATION_BATCH = 256
SIMULATED = 8192  # draws behind a chance level that has no formula
REPEATS = 8  # evaluations behind the final metrics
PICTURED = 1000  # draws behind the frequencies


@dataclasses.dataclass(frozen=True)
class ExpectedCost:
    """E f(X), negated: an `Objective`. Two with the same functions are equal, so that programs are compiled once."""

    structure: Callable[[Array], AbstractStructure]
    """From log-rates to the distribution."""
    cost: Callable[[Array], Array]
    """f, of the value of a draw."""

    def __call__(self, model: Rates, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
        loss = expect(self.cost, self.structure(model.log_rates), estimator=model.estimator, key=key)
        return -loss, {"loss": loss}


class ToyTask(AbstractTask):
    """A distribution over structures that is to make a cost small on average. There are no data.

    Metrics: `loss` (mean cost of fresh draws) and `gradient_std` (standard deviation of the estimator's gradient at
    the current log-rates, mean over all keys).

    **Arguments:**

    - `objective`: structure and cost.
    - `best`: the least expected cost there is.
    - `chance`: the expected cost at equal rates; None has it simulated.
    """

    objective: ExpectedCost = eqx.field(static=True)
    best: float = eqx.field(static=True)
    chance: float | None = eqx.field(static=True, default=None)
    shape: tuple[int, ...] = eqx.field(static=True, default=())

    def batch(self, *, size: int, key: Key) -> Batch:
        return Batch(jnp.zeros(size))

    def values(self, log_rates: Float[Array, "*keys"], *, size: int, key: Key) -> Float[Array, "draws ..."]:
        """`size` draws at these log-rates."""
        structure = self.objective.structure(log_rates)
        keys = jax.random.split(key, size)
        return batched_map(lambda k: structure.sample(key=k).value, keys, at_most=EVALUATION_BATCH)

    def evaluate(self, model: Rates, *, size: int, key: Key) -> Metrics:
        key_draws, key_gradients = jax.random.split(key)
        return {
            "loss": self._mean_cost(model.log_rates, size=size, key=key_draws),
            "gradient_std": self.gradient_std(model, key=key_gradients),
        }

    def gradient_std(self, model: Rates, *, key: Key) -> Float[Array, ""]:
        """The standard deviation of a gradient estimate, mean over the structure's keys."""
        structure = self.objective.structure(model.log_rates)

        def loss(log_rates: Array, key: Key) -> Array:
            here = structure.with_log_rates(log_rates)
            return expect(self.objective.cost, here, estimator=model.estimator, key=key)

        keys = jax.random.split(key, GRADIENTS)
        grads = jax.vmap(jax.grad(loss), in_axes=(None, 0))(structure.log_rates, keys)
        there = structure.log_rates > -jnp.inf
        return jnp.mean(jnp.std(grads, axis=0, ddof=1), where=there)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        chance = self.chance
        if chance is None:  # simulated with a key of its own: the same level for every run and seed
            chance = float(self._mean_cost(jnp.zeros(self.shape), size=SIMULATED, key=jax.random.key(0)))
        return {"loss": {"best": self.best, "chance": chance}}

    def diagnostics(self, model: Rates, *, size: int, key: Key) -> Evaluation:
        """Metrics on `8 * size` fresh draws, and how often each entry of the value is 1."""
        metrics = evaluate_many(self, model, size, REPEATS, key=key)
        values = self.values(model.log_rates, size=PICTURED, key=jax.random.fold_in(key, REPEATS))
        frequencies = np.asarray(jnp.mean(values, axis=0))
        return Evaluation(scalars(metrics), {}, self.bounds(metrics), {"frequencies": frequencies})

    def _mean_cost(self, log_rates: Array, *, size: int, key: Key) -> Float[Array, ""]:
        return jnp.mean(jax.vmap(self.objective.cost)(self.values(log_rates, size=size, key=key)))


def matched(value: Float[Array, "n n"]) -> Float[Array, ""]:
    """Minus the number of rows that are matched to the column of the same number."""
    return -jnp.trace(value)


@dataclasses.dataclass(frozen=True)
class Distance:
    """||P - P_t||², where P_t is 1/2 + t on the diagonal and 1/2 - t elsewhere."""

    t: float

    def __call__(self, value: Float[Array, "n n"]) -> Float[Array, ""]:
        diagonal = jnp.eye(value.shape[0], dtype=value.dtype)
        return jnp.sum(jnp.square(value - (0.5 - self.t) - 2 * self.t * diagonal))


def height(value: Float[Array, "parents children"]) -> Float[Array, ""]:
    """Minus the number of levels of a tree given by its children."""
    n = value.shape[0]
    above = jnp.minimum(value + jnp.eye(n, dtype=value.dtype), 1.0)
    for _ in range(max(1, (n - 1).bit_length())):
        above = jnp.minimum(above @ above, 1.0)
    return -jnp.max(jnp.sum(above, axis=0))


def fan(value: Float[Array, "tails heads"]) -> Float[Array, ""]:
    """Minus the largest out-degree."""
    return -jnp.max(jnp.sum(value, axis=1))


def elsewhere(value: Float[Array, "n n"]) -> Float[Array, ""]:
    """The number of edges that do not touch vertex 0."""
    return jnp.sum(value[1:, 1:]) / 2
