"""Gibbs distributions over trees: a contract of their own beside that of structures made of races."""

import abc
import dataclasses
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.debug import require
from vestige.structures.contract import AbstractStructure, LogRates, absent, flagged
from vestige.structures.discrete import discrete
from vestige.typing import Key

Tree = TypeVar("Tree", bound="AbstractGibbs")


class GibbsDraw(eqx.Module):
    """One draw of a Gibbs distribution."""

    value: Float[Array, "..."]
    """The structure as an indicator array of zeros and ones. Asking for a gradient through it is an error."""
    log_prob: Float[Array, ""]
    """log p(value) in nats. Differentiable in the weights. NaN where the draw is not valid."""
    valid: Bool[Array, ""]
    """Whether the weights are numbers and admit a tree. Where it is False the rest means nothing."""
    fault: str = eqx.field(static=True)
    """What is wrong where `valid` is False, and how to fix it."""

    @property
    def trace(self) -> Float[Array, "..."]:
        """What `log_prob` of the distribution takes: the value itself, held fixed."""
        return jax.lax.stop_gradient(self.value)

    def required(self) -> "GibbsDraw":
        """The draw itself, or draws with leading axes. For what a compiled program returned, which does not raise.

        **Returns:** the same draw, where it is valid.

        **Raises:** `ValueError` where one of them is not valid.
        """
        return require(self, self.valid, self.fault)


class AbstractGibbs(eqx.Module):
    """A distribution over values X with p(X) ∝ exp(sum of the log-weights of the members of X).

    It has no arrival times and no traces, hence is no `AbstractStructure`: in return the probability of a *value*, its
    marginals and its entropy are exact for any size. `expect` takes it with `ScoreFunction` and `LeaveOneOut`, whose
    score is that of the value. Written for one; `jax.vmap` makes batches.
    """

    weights: eqx.AbstractVar[LogRates]
    mask: eqx.AbstractVar[Bool[Array, " nodes"] | None]
    """False for what is not there. Where nothing is there, the one value is all zeros and has log-probability 0."""

    @property
    def log_weights(self) -> Float[Array, "*keys"]:
        """-inf for what is impossible."""
        return self.weights.value

    def with_log_weights(self: Tree, log_weights: Float[Array, "*keys"]) -> Tree:
        """The same distribution with other log-weights; they are not checked.

        **Arguments:**

        - `log_weights`: shaped like those of this one; -inf for what is impossible.

        **Returns:** a distribution of the same class, size and mask.
        """
        return eqx.tree_at(lambda one: one.weights, self, LogRates(log_weights))

    @property
    def options(self) -> dict[str, Any]:
        """The static fields by name."""
        fields = [field.name for field in dataclasses.fields(self) if field.metadata.get("static")]
        return {name: getattr(self, name) for name in fields}

    @property
    def usable(self) -> Bool[Array, ""]:
        """Whether no log-weight is NaN or +inf."""
        return ~jnp.any(jnp.isnan(self.log_weights) | (self.log_weights == jnp.inf))

    @abc.abstractmethod
    def log_partition_of(self, log_weights: Float[Array, "*keys"]) -> Float[Array, ""]:
        """log Σ_X exp(sum of the log-weights of the members of X), for other log-weights.

        **Arguments:**

        - `log_weights`: shaped like those of this one; -inf for what is impossible.

        **Returns:** one number, nats, differentiable; -inf, with gradient zero, where there is no value.
        """

    @abc.abstractmethod
    def members(self, value: Float[Array, "..."]) -> Float[Array, "*keys"]:
        """Which log-weights count in a value.

        **Arguments:**

        - `value`: an indicator array, as of a draw.

        **Returns:** as many zeros and ones, in the shape of the log-weights.
        """

    @abc.abstractmethod
    def contains(self, value: Float[Array, "..."]) -> Bool[Array, ""]:
        """Whether an array is a value of this distribution, whatever the weights.

        **Arguments:**

        - `value`: any array of the shape of a value.

        **Returns:** one bool.
        """

    @abc.abstractmethod
    def draw_value(self, *, key: Key) -> Float[Array, "..."]:
        """Draw a value.

        **Returns:** an indicator array; where there is no value it means nothing.
        """

    @abc.abstractmethod
    def best_value(self) -> Float[Array, "..."]:
        """The most probable value.

        **Returns:** an indicator array; where there is no value it means nothing.
        """

    @abc.abstractmethod
    def marginals(self) -> Float[Array, "..."]:
        """How likely each entry of the value is 1.

        **Returns:** an array shaped like a value, differentiable; zeros where there is no value.
        """

    def log_partition(self) -> Float[Array, ""]:
        """log Σ_X exp(sum of the log-weights of the members of X).

        **Returns:** one number, nats, differentiable; -inf, with gradient zero, where there is no value.
        """
        return self.log_partition_of(self.log_weights)

    @property
    @abc.abstractmethod
    def incomplete(self) -> str:
        """What is wrong, and how to fix it, where there is no value."""

    def log_prob(self, value: Float[Array, "..."]) -> Float[Array, ""]:
        """log p(value), all there is to it: no trace is summed or left out.

        **Arguments:**

        - `value`: an indicator array, shaped like that of a draw.

        **Returns:** one number, nats, differentiable in the weights: -inf for what is no value; NaN where a log-weight
        is NaN or +inf, and where there is no value at all.
        """
        log_partition = self.log_partition()
        exists = log_partition > -jnp.inf
        log_prob = self._score(value) - jnp.where(exists, log_partition, 0.0)
        return flagged(jnp.where(self.contains(value), log_prob, -jnp.inf), self.usable & exists)

    def sample(self, *, key: Key) -> GibbsDraw:
        """Draw a value exactly.

        **Returns:** the draw with its log-probability.

        **Raises:** `ValueError` where the weights admit no value; compiled, `valid` is then False.
        """
        return self._draw(jax.lax.stop_gradient(self).draw_value(key=key))

    def mode(self) -> GibbsDraw:
        """The most probable value.

        **Returns:** that draw; it draws no random number.

        **Raises:** as `sample`.
        """
        return self._draw(jax.lax.stop_gradient(self).best_value())

    def entropy(self) -> Float[Array, ""]:
        """log Z - Σ marginal · log-weight.

        **Returns:** one number, nats, differentiable in the weights; NaN where there is no value.
        """
        top = jax.lax.stop_gradient(jnp.max(self.log_weights, initial=-jnp.inf))
        # A common factor of the weights changes nothing; without it fewer digits cancel.
        weights = self.log_weights - jnp.where(jnp.isfinite(top), top, 0.0)
        log_partition, shares = jax.value_and_grad(self.log_partition_of)(weights)
        return self._valid(log_partition - _product(shares, weights))

    def kl(self: Tree, other: Tree) -> Float[Array, ""]:
        """KL(self ‖ other), in closed form.

        **Arguments:**

        - `other`: of the same class, size, options and mask.

        **Returns:** one number, nats, differentiable in both; +inf where `other` cannot do what this one can.

        **Raises:** `TypeError` for another class, `ValueError` for another size or root.
        """
        if type(other) is not type(self):
            raise TypeError(f"kl: both must be of one class, got {type(self).__name__} and {type(other).__name__}")
        if self.log_weights.shape != other.log_weights.shape or self.options != other.options:
            raise ValueError(
                f"kl: both must be of one size and have the same options, got log_weights of shape "
                f"{self.log_weights.shape} with {self.options} and {other.log_weights.shape} with {other.options}"
            )
        log_partition, shares = jax.value_and_grad(self.log_partition_of)(self.log_weights)
        wanted, found = self.log_weights, other.log_weights
        possible = (wanted > -jnp.inf) & (found > -jnp.inf)
        gap = jnp.where(possible, jnp.where(possible, wanted, 0.0) - jnp.where(possible, found, 0.0), jnp.inf)
        divergence = other.log_partition() - log_partition + _product(shares, gap)
        return self._valid(other._valid(divergence))

    def _draw(self, value: Array) -> GibbsDraw:
        valid = self.usable & (self.log_partition() > -jnp.inf)
        value = require(value, valid, self.incomplete)
        value = jnp.where(absent(self.mask), 0.0, value)
        log_prob = flagged(self.log_prob(value), valid)
        return GibbsDraw(discrete(value, self.log_weights, type(self).__name__), log_prob, valid, self.incomplete)

    def _score(self, value: Array) -> Array:
        return _product(self.members(value), self.log_weights)

    def _valid(self, x: Array) -> Array:
        return flagged(x, self.usable & (self.log_partition() > -jnp.inf))


def racing(structure: "AbstractStructure | AbstractGibbs", owner: str) -> AbstractStructure:
    """The `structure`, if it is made of races.

    **Raises:** `TypeError`, which names `owner`, for a Gibbs distribution.
    """
    if isinstance(structure, AbstractGibbs):
        raise TypeError(
            f"{owner} needs arrival times and traces, and a {type(structure).__name__} has none. Use ScoreFunction or "
            "LeaveOneOut with the score of the trace, which is that of the value here."
        )
    return structure


def _product(weights: Array, of: Array) -> Array:
    """Σ weights · of, where 0 · anything is 0, with gradient zero."""
    counted = weights != 0
    return jnp.sum(jnp.where(counted, weights * jnp.where(counted, of, 0.0), 0.0))
