"""Bits, numbers of successes, and classes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractExponentialFamily, first_fault
from vestige.numerics import outside_log
from vestige.typing import Key


class Bernoulli(AbstractExponentialFamily):
    """Bits, from logits; with `graded` anything in between, taken for the probability of 1."""

    size: int = eqx.field(static=True)
    graded: bool = eqx.field(static=True, default=False)

    @property
    def naturals(self) -> int:
        return self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        if self.graded:
            return jnp.all((value >= 0) & (value <= 1))
        return jnp.all((value == 0) | (value == 1))

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return outside_log(self.inside(value), value, jnp.zeros((), value.dtype))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.sum(jax.nn.softplus(natural))

    def log_densities(self, parameters: Float[Array, " size"], value: Float[Array, " size"]) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (size,) and `value` (size,)."""
        return parameters * value - jax.nn.softplus(parameters)

    def clamped(self, natural: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.zeros((), bool)

    def mean(self, parameters: Float[Array, " size"]) -> Float[Array, " size"]:
        return jax.nn.sigmoid(parameters)

    def draw(self, parameters: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return bits(parameters, key=key)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        if self.graded:
            return first_fault(seen, ~((seen >= 0) & (seen <= 1)), "values lie in 0..1", "rescale them")
        wrong = ~((seen == 0) | (seen == 1))
        return first_fault(seen, wrong, "bits are 0 or 1", "threshold them, or say graded=True")


class Binomial(AbstractExponentialFamily):
    """Of `trials` trials, how many succeed; from logits."""

    size: int = eqx.field(static=True)
    trials: int = eqx.field(static=True)

    def __check_init__(self):
        if self.trials < 1:
            raise ValueError(f"Binomial: trials must be at least 1, got {self.trials}")

    @property
    def naturals(self) -> int:
        return self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all((value >= 0) & (value <= self.trials) & (value == jnp.floor(value)))

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        inside = self.inside(value)
        known = jnp.where(inside, value, 0.0)
        each = gammaln(self.trials + 1.0) - gammaln(known + 1) - gammaln(self.trials - known + 1)
        return outside_log(inside, value, jnp.sum(each))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return self.trials * jnp.sum(jax.nn.softplus(natural))

    def clamped(self, natural: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.zeros((), bool)

    def mean(self, parameters: Float[Array, " size"]) -> Float[Array, " size"]:
        return self.trials * jax.nn.sigmoid(parameters)

    def draw(self, parameters: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return jnp.sum(bits(jnp.broadcast_to(parameters, (self.trials, *parameters.shape)), key=key), axis=0)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen >= 0) & (seen <= self.trials) & (seen == np.floor(seen)))
        return first_fault(seen, wrong, f"counts are 0 to {self.trials}", "raise trials, or clip the counts")


class Categorical(AbstractExponentialFamily):
    """One of `size + 1` classes, one-hot without the first: all zero is class 0, whose logit is 0."""

    size: int = eqx.field(static=True)

    @property
    def naturals(self) -> int:
        return self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all((value == 0) | (value == 1)) & (jnp.sum(value != 0) <= 1)

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return outside_log(self.inside(value), value, jnp.zeros((), value.dtype))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jax.nn.logsumexp(_with_reference(natural))

    def clamped(self, natural: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.zeros((), bool)

    def mean(self, parameters: Float[Array, " size"]) -> Float[Array, " size"]:
        return jax.nn.softmax(_with_reference(parameters))[1:]

    def draw(self, parameters: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        drawn = jax.random.categorical(key, _with_reference(parameters))
        return jax.nn.one_hot(drawn, self.size + 1, dtype=parameters.dtype)[1:]

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen == 0) | (seen == 1)) | (np.sum(seen != 0, axis=1) > 1)[:, None]
        return first_fault(seen, wrong, f"a step holds at most one 1 among {self.size} zeros", "code classes one-hot")


def bits(logits: Float[Array, "*shape"], *, key: Key) -> Float[Array, "*shape"]:
    """Independent bits, as numbers."""
    return jax.random.bernoulli(key, jax.nn.sigmoid(logits)).astype(logits.dtype)


def _with_reference(natural: Array) -> Array:
    return jnp.concatenate([jnp.zeros(1, natural.dtype), natural])
