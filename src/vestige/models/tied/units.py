"""What a layer is made of: bits, or one class of several; for other data see `visible`."""

import abc
import itertools
import math
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.numerics import outside_log, require_support
from vestige.typing import Key

ROUNDING = 1e-3  # by which the shares of classes may miss a sum of 1


class AbstractUnits(eqx.Module):
    """The variables of one layer, conditionally independent of each other given their logits, or exclusive.

    Values and means have the layer's shape, and so have logits and biases unless a kind of units says otherwise.
    Log-probabilities come from logits alone, so that they are finite for any finite logits and any value of the layer
    or mean of such values; of others they are -inf, and NaN of NaN.
    """

    shape: eqx.AbstractVar[tuple[int, ...]]

    @abc.abstractmethod
    def log_prob(self, value: Float[Array, "*units"], logits: Float[Array, "*units"]) -> Float[Array, ""]:
        """Log-probability of the whole layer.

        **Arguments:**

        - `value`: of the layer, or a mean of such values.
        - `logits`: shaped like it.

        **Returns:** one number, nats. Of a traced value that is neither it is -inf, of NaN it is NaN.

        **Raises:** `ValueError` for a concrete value that is neither one of the layer nor a mean of some.
        """

    @abc.abstractmethod
    def sample(self, logits: Float[Array, "*units"], *, key: Key) -> Float[Array, "*units"]:
        """A value drawn with exactly the probabilities of `log_prob`.

        **Arguments:**

        - `logits`: shaped like the layer.

        **Returns:** a value of the layer, of the dtype of the logits.
        """

    @abc.abstractmethod
    def mean(self, logits: Float[Array, "*units"]) -> Float[Array, "*units"]:
        """The expected value.

        **Arguments:**

        - `logits`: shaped like the layer.

        **Returns:** probabilities, shaped like the layer.
        """

    @abc.abstractmethod
    def admits(self, values: Float[Array, "rows *units"]) -> Bool[Array, ""]:
        """Whether all of some rows are values of the layer.

        **Arguments:**

        - `values`: (rows, …), each row shaped like the layer.

        **Returns:** one bool.
        """

    @property
    @abc.abstractmethod
    def expected(self) -> str:
        """What `admits` requires, and how to get it."""

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """How many values the layer can take."""

    @abc.abstractmethod
    def states(self) -> Float[np.ndarray, "states *units"]:
        """All values, the first unit slowest.

        **Returns:** (`count`, …), float64; `count` grows exponentially in the number of bits.
        """

    def error(self, value: Float[Array, "*units"], logits: Float[Array, "*units"]) -> Float[Array, "*units"]:
        """The derivative of `log_prob` in the logits: value minus mean. All that a local update needs.

        **Arguments:**

        - `value`: of the layer, or a mean of such values.
        - `logits`: shaped like it.

        **Returns:** an array shaped like the layer.
        """
        return value - self.mean(logits)

    @property
    def size(self) -> int:
        """How many numbers a value has."""
        return math.prod(self.shape)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Of the downward bias; by default that of the layer."""
        return self.shape

    def logits(self, drive: Float[Array, "*units"], bias: Float[Array, "..."]) -> Float[Array, "..."]:
        """What `log_prob` takes, by default the sum.

        **Arguments:**

        - `drive`: what comes down from the layer above, shaped like the layer.
        - `bias`: of `bias_shape`.

        **Returns:** logits.
        """
        return drive + bias

    def errors(
        self, value: Float[Array, "*units"], drive: Float[Array, "*units"], bias: Float[Array, "..."]
    ) -> tuple[Float[Array, "*units"], Float[Array, "..."]]:
        """The derivatives of `log_prob` in `drive` and in `bias`; by default both are `error`.

        **Arguments:**

        - `value`: of the layer, or a mean of such values.
        - `drive`, `bias`: as for `logits`.

        **Returns:** two arrays, shaped like `drive` and `bias`.
        """
        error = self.error(value, self.logits(drive, bias))
        return error, error

    def seen(self, value: Float[Array, "*units"], bias: Float[Array, "..."]) -> Float[Array, "*units"]:
        """What the layer above is shown of a value, on which no gradient goes back; by default the value itself.

        **Arguments:**

        - `value`: of the layer, or a mean of such values.
        - `bias`: the downward bias, where it says how large values are.

        **Returns:** an array shaped like the layer.
        """
        return value


@runtime_checkable
class InParts(Protocol):
    """Units whose values can be known in part: the others are integrated out."""

    def log_prob_of_known(
        self, value: Float[Array, "*units"], known: Bool[Array, "*units"], logits: Float[Array, "..."]
    ) -> Float[Array, ""]:
        """Log-probability of the values that are known.

        **Arguments:**

        - `value`: of the layer; where it is not known it means nothing.
        - `known`: shaped like it.
        - `logits`: as for `log_prob`.

        **Returns:** one number, nats.
        """
        ...


class Bits(AbstractUnits):
    """Independent values in {0, 1}; logits a, P(1) = sigma(a), log p = Σ [x a - softplus(a)].

    Values strictly between are accepted as expected values where nothing is sampled from them.
    """

    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, *shape: int):
        if not shape or min(shape) < 1:
            raise ValueError(f"Bits: every axis must have at least 1 unit, got {shape}")
        self.shape = shape

    def log_prob(self, value: Float[Array, "*units"], logits: Float[Array, "*units"]) -> Float[Array, ""]:
        require_support(value, _share, owner="Bits.log_prob", expected="bits must be within 0 to 1")
        inside = _share(value)
        log = jnp.sum(jnp.where(inside, value, 0.0) * logits - jax.nn.softplus(logits))
        return outside_log(jnp.all(inside), value, log)

    def log_prob_of_known(
        self, value: Float[Array, "*units"], known: Bool[Array, "*units"], logits: Float[Array, "*units"]
    ) -> Float[Array, ""]:
        """As `InParts` says."""
        return jnp.sum(jnp.where(known, jnp.where(known, value, 0.0) * logits - jax.nn.softplus(logits), 0.0))

    def sample(self, logits: Float[Array, "*units"], *, key: Key) -> Float[Array, "*units"]:
        noise = jax.random.uniform(key, logits.shape, logits.dtype)
        return (noise < jax.nn.sigmoid(logits)).astype(logits.dtype)

    def mean(self, logits: Float[Array, "*units"]) -> Float[Array, "*units"]:
        return jax.nn.sigmoid(logits)

    def admits(self, values: Float[Array, "rows *units"]) -> Bool[Array, ""]:
        return jnp.all((values == 0) | (values == 1))

    @property
    def expected(self) -> str:
        return (
            "bits, 0 or 1; make grey values binary first, by a threshold `(x >= 0.5).astype(float)` or once by chance "
            "`jax.random.bernoulli(key, x).astype(float)`"
        )

    @property
    def count(self) -> int:
        return 2**self.size

    def states(self) -> Float[np.ndarray, "states *units"]:
        table = np.asarray(list(itertools.product((0.0, 1.0), repeat=self.size)))
        return table.reshape(-1, *self.shape)


class OneHot(AbstractUnits):
    """One class of `size`, as an indicator; logits a, P = softmax(a)."""

    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, classes: int):
        if classes < 2:
            raise ValueError(f"OneHot: there must be at least 2 classes, got {classes}")
        self.shape = (classes,)

    def log_prob(self, value: Float[Array, " classes"], logits: Float[Array, " classes"]) -> Float[Array, ""]:
        require_support(value, _share, owner="OneHot.log_prob", expected="indicators must be within 0 to 1")
        total = jnp.sum(value)
        inside = jnp.all(_share(value)) & (jnp.abs(total - 1) <= ROUNDING)
        log = jnp.sum(jnp.where(_share(value), value, 0.0) * jax.nn.log_softmax(logits))
        return outside_log(inside, value, log)

    def sample(self, logits: Float[Array, " classes"], *, key: Key) -> Float[Array, " classes"]:
        return jax.nn.one_hot(jax.random.categorical(key, logits), self.shape[0], dtype=logits.dtype)

    def mean(self, logits: Float[Array, " classes"]) -> Float[Array, " classes"]:
        return jax.nn.softmax(logits)

    def admits(self, values: Float[Array, "rows classes"]) -> Bool[Array, ""]:
        return jnp.all((values == 0) | (values == 1)) & jnp.all(jnp.sum(values, axis=-1) == 1)

    @property
    def expected(self) -> str:
        return "indicators with a single 1 in each row, `jax.nn.one_hot(labels, classes)`"

    @property
    def count(self) -> int:
        return self.shape[0]

    def states(self) -> Float[np.ndarray, "states classes"]:
        return np.eye(self.shape[0])


def _share(value: Any) -> Any:
    return (value >= 0) & (value <= 1)
