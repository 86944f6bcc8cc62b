"""What a family of observations offers, and how it treats values outside its support."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.numerics import is_concrete, outside_log
from vestige.typing import Key


class AbstractFamily(eqx.Module):
    """p(y | parameters): the law of the values observed at a step, given what a net puts out. Unbatched.

    `size` is the length of y. A value outside the support has probability zero: concrete values raise, and in a
    compiled program `log_prob` is -inf. NaN is no value: concrete it raises, compiled `log_prob` is NaN.
    """

    size: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def num_parameters(self) -> int:
        """How many numbers a net puts out for it."""

    @abc.abstractmethod
    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        """Whether y is in the support.

        **Arguments:**

        - `value`: (size,), y.

        **Returns:** one bool.
        """

    @abc.abstractmethod
    def fault(self, seen: Float[np.ndarray, "n size"]) -> str | None:
        """What is wrong with values. On the host.

        **Arguments:**

        - `seen`: (n, size).

        **Returns:** "expected …, got …", with the first step at fault; None if nothing is wrong.
        """

    @abc.abstractmethod
    def log_density(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, ""]:
        """log p(y | parameters), of a finite y in the support.

        **Arguments:**

        - `parameters`: (num_parameters,), what a net puts out.
        - `value`: (size,), y.

        **Returns:** one number, nats, differentiable in the parameters.
        """

    @abc.abstractmethod
    def mean(self, parameters: Float[Array, " num_parameters"]) -> Float[Array, " size"]:
        """E[y].

        **Arguments:**

        - `parameters`: (num_parameters,), what a net puts out.

        **Returns:** (size,), in units of y.
        """

    @abc.abstractmethod
    def draw(self, parameters: Float[Array, " num_parameters"], *, key: Key) -> Float[Array, " size"]:
        """A sample of y.

        **Arguments:**

        - `parameters`: (num_parameters,), what a net puts out.

        **Returns:** (size,), in the support.
        """

    @abc.abstractmethod
    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        """y as the encoder receives it: of order 1, its spread the same everywhere.

        **Arguments:**

        - `value`: (size,), y.

        **Returns:** (size,).
        """

    def log_prob(self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]) -> Float[Array, ""]:
        """log p(y | parameters).

        **Arguments:**

        - `parameters`: (num_parameters,), what a net puts out.
        - `value`: (size,), y.

        **Returns:** one number, nats. Of a traced value outside the support it is -inf, and NaN where a value is NaN.

        **Raises:** `ValueError` for a concrete value outside the support.
        """
        self.require(value)
        density = self.log_density(parameters, jnp.where(jnp.isfinite(value), value, 0.0))
        return outside_log(self.inside(value), value, density)

    def require(self, value: Float[Array, " size"]) -> None:
        """Check a concrete value; a traced one is left alone.

        **Arguments:**

        - `value`: (size,), y.

        **Raises:** `ValueError` where it is outside the support.
        """
        if not is_concrete(value):
            return
        if (fault := self.fault(np.asarray(value).reshape(1, -1))) is not None:
            raise ValueError(f"{type(self).__name__}: {fault.replace(' of step 0', '')}")

    def admit(self, observations: np.ndarray, owner: str) -> None:
        """Check observations on the host, before anything is compiled.

        **Arguments:**

        - `observations`: floating-point (…, size); a missing step is NaN in all its values.
        - `owner`: what they belong to, for messages.

        **Raises:** `ValueError` where `observations` are not floating-point (…, size), where a step is NaN in some of
        its values and not in all, or where a value is outside the support.
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


class AbstractExponentialFamily(AbstractFamily):
    """p(y | eta) = base(y) exp(eta · statistics(y) - log_partition(eta)), every unit by itself: what a harmonium can
    have for visible units.

    eta and the statistics have `naturals` entries, as many as y has unless a unit has several statistics.
    """

    @property
    @abc.abstractmethod
    def naturals(self) -> int:
        """The length of eta."""

    @abc.abstractmethod
    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " naturals"]:
        """Of y, what eta multiplies.

        **Arguments:**

        - `value`: (size,), y.

        **Returns:** (naturals,).
        """

    @abc.abstractmethod
    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        """log base(y).

        **Arguments:**

        - `value`: (size,), y.

        **Returns:** one number, nats; -inf outside the support, NaN of NaN.
        """

    @abc.abstractmethod
    def log_partition(self, natural: Float[Array, " naturals"]) -> Float[Array, ""]:
        """The logarithm of the sum or integral of base(y) exp(eta · statistics(y)).

        **Arguments:**

        - `natural`: (naturals,), eta.

        **Returns:** one number; inf where it diverges.
        """

    @abc.abstractmethod
    def clamped(self, natural: Float[Array, " naturals"]) -> Bool[Array, ""]:
        """Whether no law has this eta, so that `mean` and `draw` are those of the nearest one that has.

        **Arguments:**

        - `natural`: (naturals,), eta.

        **Returns:** one bool.
        """

    @property
    def num_parameters(self) -> int:
        return self.naturals

    def log_density(self, parameters: Float[Array, " naturals"], value: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.dot(parameters, self.statistics(value)) + self.log_base(value) - self.log_partition(parameters)


def first_fault(seen: np.ndarray, wrong: np.ndarray, expected: str, fix: str) -> str | None:
    """The first value at fault, in words; None if none is.

    **Arguments:**

    - `seen`: (n, size).
    - `wrong`: bools of the same shape, which values are at fault.
    - `expected`: a clause that says what values must be.
    - `fix`: a clause that says how to fix it.
    """
    if not wrong.any():
        return None
    step, value = np.argwhere(wrong)[0]
    return f"expected that {expected}, got {seen[step, value]:g} in value {value} of step {step}; {fix}"
