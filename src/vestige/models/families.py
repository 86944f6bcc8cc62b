"""Exponential families of what is observed."""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from vestige.numerics.poisson import LARGEST_RATE, poisson
from vestige.typing import Key

LARGEST_LOG_RATE = 4.0  # of a Poisson unit that is sampled: 55 counts in a window


class AbstractFamily(eqx.Module):
    """p(y | eta) = base(y) exp(eta · statistics(y) - log_partition(eta)), every unit by itself. Unbatched.

    `size` is the length of y; eta and the statistics have `naturals` entries, which are as many unless a unit has
    several statistics.
    """

    size: eqx.AbstractVar[int]

    @property
    def naturals(self) -> int:
        """The length of eta."""
        return self.size

    @abc.abstractmethod
    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " naturals"]:
        """Of y, what eta multiplies."""

    @abc.abstractmethod
    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        """log base(y), in nats."""

    @abc.abstractmethod
    def log_partition(self, natural: Float[Array, " naturals"]) -> Float[Array, ""]:
        """The logarithm of the sum or integral of base(y) exp(eta · statistics(y))."""

    @abc.abstractmethod
    def mean(self, natural: Float[Array, " naturals"]) -> Float[Array, " size"]:
        """E[y]."""

    @abc.abstractmethod
    def draw(self, natural: Float[Array, " naturals"], *, key: Key) -> Float[Array, " size"]:
        """A sample of y."""

    @abc.abstractmethod
    def fault(self, seen: Float[np.ndarray, "n size"]) -> str | None:
        """What is wrong with values none of which is NaN, as "expected …, got …"; None if nothing is. On the host."""

    def admit(self, observations: np.ndarray, owner: str) -> None:
        """On the host, before anything is compiled.

        **Raises:** `ValueError` where `observations` are not floating-point (…, size), where a step is NaN in some of
        its values and not in all (a missing step is NaN in all), or where a value is outside the support.
        """
        found = np.asarray(observations)
        if found.ndim < 1 or found.shape[-1] != self.size or found.dtype.kind != "f":
            raise ValueError(
                f"{owner}: observations must be floating-point (..., {self.size}), got {found.dtype} {found.shape}"
            )
        steps = found.reshape(-1, self.size)
        gaps = np.isnan(steps)
        missing = np.all(gaps, axis=1, keepdims=True)
        if np.any(in_part := gaps & ~missing):
            step, value = np.argwhere(in_part)[0]
            raise ValueError(
                f"{owner}: observations: a missing step is NaN in all its {self.size} values, got NaN in value "
                f"{value} of step {step} alone; fill it in, or mark the whole step as missing"
            )
        if (fault := self.fault(steps[~missing[:, 0]])) is not None:
            raise ValueError(f"{owner}: observations: {fault}")

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        """y as the encoder receives it: of order 1, its spread the same everywhere."""
        return value

    def log_prob(self, natural: Float[Array, " naturals"], value: Float[Array, " size"]) -> Float[Array, ""]:
        """log p(y | eta) in nats."""
        return jnp.dot(natural, self.statistics(value)) + self.log_base(value) - self.log_partition(natural)


class Bernoulli(AbstractFamily):
    """Bits, from logits; with `graded` anything in between, taken for the probability of 1."""

    size: int = eqx.field(static=True)
    graded: bool = eqx.field(static=True, default=False)

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros((), value.dtype)

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.sum(jax.nn.softplus(natural))

    def mean(self, natural: Float[Array, " size"]) -> Float[Array, " size"]:
        return jax.nn.sigmoid(natural)

    def draw(self, natural: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return bits(natural, key=key)

    def fault(self, seen: np.ndarray) -> str | None:
        if self.graded:
            return _first(seen, ~((seen >= 0) & (seen <= 1)), "values lie in 0..1", "rescale them")
        return _first(seen, ~((seen == 0) | (seen == 1)), "bits are 0 or 1", "threshold them, or say graded=True")


class Poisson(AbstractFamily):
    """Counts, from the logarithm of their rates.

    Where a mean or a sample is made the log-rate is held at `limit`: beyond it a chain far from the data could only
    run away. The density itself knows no limit.

    **Raises:** `ValueError` for a limit above log 64.
    """

    size: int = eqx.field(static=True)
    limit: float = eqx.field(static=True, default=LARGEST_LOG_RATE)

    def __check_init__(self):
        if math.exp(self.limit) > LARGEST_RATE:
            raise ValueError(
                f"Poisson: limit must be at most log {LARGEST_RATE:g}, got {self.limit}; count in shorter windows"
            )

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return -jnp.sum(gammaln(value + 1))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.sum(jnp.exp(natural))

    def mean(self, natural: Float[Array, " size"]) -> Float[Array, " size"]:
        return jnp.exp(jnp.minimum(natural, self.limit))

    def draw(self, natural: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return poisson(self.mean(natural), key=key)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return jnp.sqrt(value) - 0.7

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen >= 0) & (seen == np.floor(seen)) & np.isfinite(seen))
        return _first(seen, wrong, "counts are 0, 1, 2, …", "bin the events first, and do not scale the counts")


class Gaussian(AbstractFamily):
    """Reals of unit variance around eta: standardise the data."""

    size: int = eqx.field(static=True)

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return -0.5 * jnp.sum(value**2 + jnp.log(2 * jnp.asarray(jnp.pi, value.dtype)))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return 0.5 * jnp.sum(natural**2)

    def mean(self, natural: Float[Array, " size"]) -> Float[Array, " size"]:
        return natural

    def draw(self, natural: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return natural + jax.random.normal(key, natural.shape, natural.dtype)

    def fault(self, seen: np.ndarray) -> str | None:
        return _first(seen, ~np.isfinite(seen), "values are finite", "leave the step out as missing (all NaN)")


class Binomial(AbstractFamily):
    """Of `trials` trials, how many succeed; from logits."""

    size: int = eqx.field(static=True)
    trials: int = eqx.field(static=True)

    def __check_init__(self):
        if self.trials < 1:
            raise ValueError(f"Binomial: trials must be at least 1, got {self.trials}")

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.sum(gammaln(self.trials + 1.0) - gammaln(value + 1) - gammaln(self.trials - value + 1))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return self.trials * jnp.sum(jax.nn.softplus(natural))

    def mean(self, natural: Float[Array, " size"]) -> Float[Array, " size"]:
        return self.trials * jax.nn.sigmoid(natural)

    def draw(self, natural: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return jnp.sum(bits(jnp.broadcast_to(natural, (self.trials, *natural.shape)), key=key), axis=0)

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen >= 0) & (seen <= self.trials) & (seen == np.floor(seen)))
        return _first(seen, wrong, f"counts are 0 to {self.trials}", "raise trials, or clip the counts")


class Categorical(AbstractFamily):
    """One of `size + 1` classes, one-hot without the first: all zero is class 0, whose logit is 0."""

    size: int = eqx.field(static=True)

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros((), value.dtype)

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jax.nn.logsumexp(_with_reference(natural))

    def mean(self, natural: Float[Array, " size"]) -> Float[Array, " size"]:
        return jax.nn.softmax(_with_reference(natural))[1:]

    def draw(self, natural: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        drawn = jax.random.categorical(key, _with_reference(natural))
        return jax.nn.one_hot(drawn, self.size + 1, dtype=natural.dtype)[1:]

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen == 0) | (seen == 1)) | (np.sum(seen != 0, axis=1) > 1)[:, None]
        return _first(seen, wrong, f"a step holds at most one 1 among {self.size} zeros", "code the classes one-hot")


class Gamma(AbstractFamily):
    """Positive reals, of which log y and y are the statistics: shape eta_1 + 1 and scale -1/eta_2, at least 1e-4 each.

    The first `size` natural parameters belong to the logarithms. It has no moment form: where a chain needs a value
    it takes a sample, never the mean.
    """

    size: int = eqx.field(static=True)

    @property
    def naturals(self) -> int:
        return 2 * self.size

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " naturals"]:
        return jnp.concatenate([jnp.log(value), value])

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.zeros((), value.dtype)

    def log_partition(self, natural: Float[Array, " naturals"]) -> Float[Array, ""]:
        shape, scale = self._shape_and_scale(natural)
        return jnp.sum(gammaln(shape) + shape * jnp.log(scale))

    def mean(self, natural: Float[Array, " naturals"]) -> Float[Array, " size"]:
        shape, scale = self._shape_and_scale(natural)
        return shape * scale

    def draw(self, natural: Float[Array, " naturals"], *, key: Key) -> Float[Array, " size"]:
        shape, scale = self._shape_and_scale(natural)
        return jnp.maximum(jax.random.gamma(key, shape) * scale, jnp.finfo(scale.dtype).tiny)

    def fault(self, seen: np.ndarray) -> str | None:
        return _first(seen, ~((seen > 0) & np.isfinite(seen)), "values are positive", "add a small offset to zeros")

    def _shape_and_scale(self, natural: Array) -> tuple[Array, Array]:
        return jnp.maximum(natural[: self.size] + 1, 1e-4), 1 / jnp.maximum(-natural[self.size :], 1e-4)


class Beside(eqx.Module):
    """Two families side by side, given the same hidden units independent: values are pairs."""

    first: AbstractFamily
    second: AbstractFamily

    @property
    def naturals(self) -> int:
        """The length of both natural parameters together."""
        return self.first.naturals + self.second.naturals

    def statistics(self, value: tuple[Array, Array]) -> Float[Array, " naturals"]:
        """Those of the first, then those of the second."""
        return jnp.concatenate([self.first.statistics(value[0]), self.second.statistics(value[1])])

    def log_base(self, value: tuple[Array, Array]) -> Float[Array, ""]:
        """Their sum."""
        return self.first.log_base(value[0]) + self.second.log_base(value[1])

    def log_partition(self, natural: Float[Array, " naturals"]) -> Float[Array, ""]:
        """Their sum."""
        first, second = self._split(natural)
        return self.first.log_partition(first) + self.second.log_partition(second)

    def mean(self, natural: Float[Array, " naturals"]) -> tuple[Array, Array]:
        """E of both."""
        first, second = self._split(natural)
        return self.first.mean(first), self.second.mean(second)

    def draw(self, natural: Float[Array, " naturals"], *, key: Key) -> tuple[Array, Array]:
        """A sample of both."""
        keys = jax.random.split(key)
        first, second = self._split(natural)
        return self.first.draw(first, key=keys[0]), self.second.draw(second, key=keys[1])

    def _split(self, natural: Array) -> tuple[Array, Array]:
        return natural[: self.first.naturals], natural[self.first.naturals :]


def bits(logits: Float[Array, "*shape"], *, key: Key) -> Float[Array, "*shape"]:
    """Independent bits, as numbers."""
    return jax.random.bernoulli(key, jax.nn.sigmoid(logits)).astype(logits.dtype)


def _with_reference(natural: Array) -> Array:
    return jnp.concatenate([jnp.zeros(1, natural.dtype), natural])


def _first(seen: np.ndarray, wrong: np.ndarray, expected: str, way_out: str) -> str | None:
    if not wrong.any():
        return None
    step, value = np.argwhere(wrong)[0]
    return f"expected that {expected}, got {seen[step, value]:g} in value {value} of step {step}; {way_out}"
