"""The contract of a structure, and what a draw from one holds."""

import abc
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.debug import require
from vestige.numerics import log_exponential
from vestige.structures.discrete import discrete
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import NO_SUCH_TRACE, AbstractTrace, log_prob, posterior
from vestige.typing import Key

ONE_BY_ONE = 40
"""From so many nodes on, algorithms that end sooner for one draw than for another run a batch `one_by_one`."""

TraceKind = TypeVar("TraceKind", bound=AbstractTrace)
Structure = TypeVar("Structure", bound="AbstractStructure")


class Draw(eqx.Module, Generic[TraceKind]):
    """One draw, with everything that drawing it has found out."""

    value: Float[Array, "..."]
    """The structure as an indicator array of zeros and ones. Asking for a gradient through it is an error."""
    trace: TraceKind
    """The winners of every step, and who took part in it."""
    log_times: Float[Array, "*keys"]
    """Logarithms of the arrival times; +inf for keys of rate zero. Differentiable in the rates."""
    log_prob: Float[Array, ""]
    """log p(trace) in nats. Differentiable in the rates. NaN where the draw is not valid."""
    valid: Bool[Array, ""]
    """Whether the log-rates are numbers and admit a whole structure. Where it is False the rest means nothing."""
    fault: str = eqx.field(static=True)
    """What is wrong where `valid` is False, and how to fix it."""

    def required(self) -> "Draw[TraceKind]":
        """The draw itself, or draws with leading axes. For what a compiled program returned, which does not raise.

        **Returns:** the same draw, where it is valid.

        **Raises:** `ValueError` where one of them is not valid.
        """
        return require(self, self.valid, self.fault)


class LogRates(eqx.Module):
    """Log-rates as something to be trained: finite numbers, and beside them which keys are possible.

    -inf in an array that an optimiser owns becomes NaN under weight decay or momentum. Here an impossible key stays
    impossible, and its number stays finite, whatever the optimiser does.

    **Arguments:**

    - `log_rates`: one for each key, of any shape; -inf for an impossible key.
    """

    finite: Float[Array, "*keys"]
    """The log-rates, 0 where a key is impossible."""
    possible: Bool[Array, "*keys"] | None
    """None in a tree of gradients, where there is nothing to hide."""

    def __init__(self, log_rates: Float[Array, "*keys"]):
        self.possible = log_rates != -jnp.inf
        self.finite = jnp.where(self.possible, log_rates, 0.0)

    @property
    def value(self) -> Float[Array, "*keys"]:
        """-inf where a key is impossible."""
        return self.finite if self.possible is None else jnp.where(self.possible, self.finite, -jnp.inf)


class AbstractStructure(eqx.Module, Generic[TraceKind]):
    """A distribution over combinatorial objects: exponential times are drawn, an algorithm made of races runs.

    Written for one structure; `jax.vmap` makes batches of any shape. Sizes are static, lengths are masks: a key of
    log-rate -inf has rate zero, never wins and changes nothing. (Struminsky et al. 2021, arXiv:2110.15072.)
    """

    rates: eqx.AbstractVar[LogRates]
    mask: eqx.AbstractVar[Bool[Array, "..."] | None]
    """False for what is not there. Where nothing is there, the one structure is empty: its value is all zeros, its
    log-probability 0."""

    @property
    def log_rates(self) -> Float[Array, "*keys"]:
        """Logarithms of the rates (Gumbel locations: larger is likelier) of the keys, -inf where there is no key."""
        return self.rates.value

    def with_log_rates(self: Structure, log_rates: Float[Array, "*keys"]) -> Structure:
        """The same structure with other log-rates; they are not checked.

        **Arguments:**

        - `log_rates`: shaped like those of this structure; -inf where there is no key.

        **Returns:** a structure of the same class, size and mask.
        """
        return eqx.tree_at(lambda structure: structure.rates, self, LogRates(log_rates))

    @property
    def usable(self) -> Bool[Array, ""]:
        """Whether no log-rate is NaN or +inf."""
        log_rates = self.log_rates
        return ~jnp.any(jnp.isnan(log_rates) | (log_rates == jnp.inf))

    @property
    def listed_as_run(self) -> bool:
        """Whether the traces that `recursion` lists are those of this structure: not where a mask, or a number of steps
        that is an array, makes them shorter."""
        return self.mask is None

    @abc.abstractmethod
    def run(self, log_times: Float[Array, "*keys"]) -> TraceKind:
        """Run the algorithm on arrival times. Ties go to the smaller key.

        **Arguments:**

        - `log_times`: logarithms of the arrival times, shaped like the log-rates; +inf for a key that never arrives.

        **Returns:** the trace. It may end early where keys are missing, see `complete`.
        """

    @abc.abstractmethod
    def value(self, trace: TraceKind) -> Float[Array, "..."]:
        """The structure that a trace amounts to.

        **Arguments:**

        - `trace`: of a structure of this size.

        **Returns:** an indicator array of zeros and ones, of the dtype of the log-rates.
        """

    @abc.abstractmethod
    def complete(self, trace: TraceKind) -> Bool[Array, ""]:
        """Whether a trace ends in a whole structure rather than for want of admissible keys.

        **Arguments:**

        - `trace`: what `run` or `replay` returned.

        **Returns:** one bool; True where the mask leaves nothing.
        """

    @abc.abstractmethod
    def replay(self, winners: Int[Array, " steps"]) -> TraceKind:
        """The trace with these winners, if there is one; otherwise a trace with others.

        **Arguments:**

        - `winners`: (steps,), integers: the key that wins each step, -1 where there is no such step.

        **Returns:** a trace; it has these winners if and only if there is such a trace.
        """

    @abc.abstractmethod
    def recursion(self) -> AbstractRecursion:
        """The algorithm in plain Python, on all keys of a structure of this size, whatever the rates and the mask.

        **Returns:** the races, one after the other: what compiled structures are tested against and enumerated by.
        """

    @property
    @abc.abstractmethod
    def incomplete(self) -> str:
        """What is wrong, and how to fix it, where `complete` is False."""

    def arrivals(self, *, key: Key) -> Float[Array, "*keys"]:
        """Draw independent exponential arrival times.

        **Returns:** their logarithms, shaped like the log-rates: +inf for keys of rate zero; differentiable in the
        rates, the noise held fixed.
        """
        noise = log_exponential(self.log_rates.shape, self.log_rates.dtype, key=key)
        present = self.log_rates > -jnp.inf
        return jnp.where(present, noise - jnp.where(present, self.log_rates, 0.0), jnp.inf)

    def sample(self, *, key: Key) -> Draw[TraceKind]:
        """Draw a structure.

        **Returns:** the draw, with its trace, its arrival times and its log-probability.

        **Raises:** `ValueError` where the rates admit no whole structure; compiled, `valid` is then False.
        """
        return self.solve(self.arrivals(key=key))

    def solve(self, log_times: Float[Array, "*keys"]) -> Draw[TraceKind]:
        """Run the algorithm on given arrival times. Keys of rate zero never arrive.

        **Arguments:**

        - `log_times`: logarithms of the arrival times, shaped like the log-rates.

        **Returns:** the draw that they make.

        **Raises:** `ValueError` where the keys that are there admit no whole structure; compiled, `valid` is then
        False.
        """
        present = self.log_rates > -jnp.inf
        trace = self.run(jax.lax.stop_gradient(jnp.where(present, log_times, jnp.inf)))
        valid = self.complete(trace) & self.usable
        trace = require(trace, valid, self.incomplete)
        value: Array = discrete(self.value(trace), self.log_rates, type(self).__name__)
        log_prob = flagged(self.log_prob(trace), valid)
        return Draw(value, trace, log_times, log_prob, valid, self.incomplete)

    def mode(self) -> Draw[TraceKind]:
        """The structure at the mean arrival times 1/λ. That need not be the most probable value: see
        [`best_values`][vestige.structures.best_values].

        **Returns:** that draw; it draws no random number.

        **Raises:** as `solve`.
        """
        return self.solve(-self.log_rates)

    def log_prob(self, trace: TraceKind) -> Float[Array, ""]:
        """log p(trace), differentiable in the rates. Not that of the value: many traces may lead to it.

        **Arguments:**

        - `trace`: of a structure of this size.

        **Returns:** one number, nats: -inf for what `trace` returned where there is no such trace; NaN where a log-rate
        is NaN or +inf.
        """
        return flagged(log_prob(trace, self.log_rates), self.usable)

    def posterior(self, trace: TraceKind, *, key: Key) -> Float[Array, "*keys"]:
        """Draw arrival times given a trace.

        `solve` makes the same trace of them, up to rounding: see each structure.

        **Arguments:**

        - `trace`: the trace that is given.

        **Returns:** logarithms of arrival times, shaped like the log-rates, +inf for keys of rate zero; differentiable
        in the rates.
        """
        return posterior(trace, self.log_rates, key=key)

    def trace(self, winners: Int[Array, " steps"]) -> TraceKind:
        """The trace that is given by its winners, e.g. observed data.

        **Arguments:**

        - `winners`: (steps,), integers: keys, that is indices into the flattened log-rates, in the order in which the
          races are won; -1 where there is no such step.

        **Returns:** the trace; compiled, one of log-probability -inf where no trace has these winners.

        **Raises:** `ValueError` where no trace has these winners; `TypeError` where they are no integers, e.g. a value.
        """
        if not jnp.issubdtype(jnp.result_type(winners), jnp.integer):
            raise TypeError(
                f"{type(self).__name__}: winners must be integers, the keys in the order in which they win, got "
                f"{jnp.result_type(winners)}{list(jnp.shape(winners))}. A value does not say in which order its parts "
                "were won: vestige.estimators.expect_trace gives a cost the trace beside it."
            )
        trace = self.replay(winners)
        right = jnp.all(trace.winners == winners)
        marked = jnp.where(right, trace.winners, NO_SUCH_TRACE)
        return require(
            eqx.tree_at(lambda trace: trace.winners, trace, marked),
            right,
            f"{type(self).__name__}: no trace has these winners. Winners are keys (indices into the flattened "
            "log_rates), in the order in which the races are won, each a candidate of its race.",
        )


class AbstractSequential(AbstractStructure[TraceKind]):
    """A structure whose trace is made again by its winners arriving one after the other."""

    def replay(self, winners: Int[Array, " steps"]) -> TraceKind:
        return self.run(in_order(winners, self.log_rates))


def flagged(x: Float[Array, "*shape"], valid: Bool[Array, ""]) -> Float[Array, "*shape"]:
    """`x`; NaN, and so is its gradient, where `valid` is False."""
    return x * jnp.where(valid, 1.0, jnp.nan).astype(x.dtype)


def absent(mask: Bool[Array, "..."] | None) -> Bool[Array, ""]:
    """Whether nothing is there: the row that pads a batch."""
    return jnp.zeros((), bool) if mask is None else ~jnp.any(mask)


def checked_rates(log_rates: Any, owner: str) -> Float[Array, "..."]:
    """The log-rates as floats of at least 32 bits.

    **Arguments:**

    - `log_rates`: an array of any shape.
    - `owner`: the structure, for messages.

    **Raises:** `TypeError` for an array that is not floating point; `ValueError` for NaN and +inf; compiled, `usable`
    is then False.
    """
    log_rates = jnp.asarray(log_rates)
    _floating(log_rates, owner)
    if log_rates.dtype.itemsize < 4:
        log_rates = log_rates.astype(jnp.float32)
    return require(
        log_rates,
        ~jnp.any(jnp.isnan(log_rates) | (log_rates == jnp.inf)),
        f"{owner}: log_rates holds NaN or +inf. Rates must be finite; -inf stands for an impossible key.",
    )


def square(log_rates: Float[Array, "..."], owner: str) -> int:
    """The number of rows of a square array.

    **Arguments:**

    - `log_rates`: (n, n).
    - `owner`: the structure, for messages.

    **Raises:** `ValueError` for other shapes; `TypeError` for an array that is not floating point.
    """
    if log_rates.ndim != 2 or log_rates.shape[0] != log_rates.shape[1]:
        raise ValueError(
            f"{owner}: log_rates must be a square array (n, n), got {log_rates.shape}; use jax.vmap for batches"
        )
    _floating(log_rates, owner)
    return log_rates.shape[0]


def rows_of_options(log_rates: Float[Array, "..."], owner: str) -> None:
    """Check the shape of rows of options.

    **Arguments:**

    - `log_rates`: (rows, options), at least one of each.
    - `owner`: the structure, for messages.

    **Raises:** `ValueError` for other shapes; `TypeError` for an array that is not floating point.
    """
    if log_rates.ndim != 2 or 0 in log_rates.shape:
        raise ValueError(
            f"{owner}: log_rates must have rows of options (rows, options), got {log_rates.shape}; use jax.vmap for "
            "batches"
        )
    _floating(log_rates, owner)


def vector(log_rates: Float[Array, "..."], owner: str) -> int:
    """The length of a vector.

    **Arguments:**

    - `log_rates`: (n,).
    - `owner`: the structure, for messages.

    **Raises:** `ValueError` for other shapes; `TypeError` for an array that is not floating point.
    """
    if log_rates.ndim != 1:
        raise ValueError(f"{owner}: log_rates must be a vector (n,), got {log_rates.shape}; use jax.vmap for batches")
    _floating(log_rates, owner)
    return log_rates.shape[0]


def _floating(log_rates: Any, owner: str) -> None:
    if not jnp.issubdtype(log_rates.dtype, jnp.floating):
        raise TypeError(f"{owner}: log_rates must be floating point, got {log_rates.dtype}")


def kept(log_rates: Float[Array, "*keys"], keys: Bool[Array, "*keys"]) -> Float[Array, "*keys"]:
    """`log_rates` with every key outside `keys`, bools of the same shape, made impossible."""
    return jnp.where(keys, log_rates, -jnp.inf)


def indicator(places: Int[Array, " steps"], shape: tuple[int, ...], dtype: Any) -> Float[Array, "..."]:
    """Ones at the given flat `places`, zeros elsewhere, as an array of `shape` and `dtype`; negative places are left
    out.
    """
    size = 1
    for length in shape:
        size *= length
    place = jnp.where(places < 0, size, places)
    return jnp.zeros(size, dtype).at[place].set(1, mode="drop").reshape(shape)


def in_order(winners: Int[Array, " steps"], log_rates: Float[Array, "*keys"]) -> Float[Array, "*keys"]:
    """Log-times at which the `winners`, flat keys, come one after the other, everybody else later, keys of rate zero
    in `log_rates` never.
    """
    steps = winners.shape[0]
    place = jnp.where(winners < 0, log_rates.size, winners)
    order = jnp.arange(steps, dtype=jnp.int32).astype(log_rates.dtype)
    late = jnp.full(log_rates.size, steps, log_rates.dtype)
    times = late.at[place].min(order, mode="drop").reshape(log_rates.shape)
    return jnp.where(log_rates > -jnp.inf, times, jnp.inf)
