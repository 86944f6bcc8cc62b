"""How likely each part of a value is, and each two together: exactly, or from draws with their standard error."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.structures.arrivals import first_k_moments, place_probabilities
from vestige.structures.binary_tree import BinaryTree
from vestige.structures.categorical import Categorical
from vestige.structures.choices import Choices
from vestige.structures.contract import AbstractStructure
from vestige.structures.enumerated_values import on_values
from vestige.structures.exact import whole
from vestige.structures.gibbs import AbstractGibbs
from vestige.structures.labelled import Labelled, with_root
from vestige.structures.permutation import Permutation
from vestige.structures.races import between, gain, segments
from vestige.structures.spanning_tree import SpanningTree
from vestige.structures.subset import Subset
from vestige.typing import Key


class Estimate(NamedTuple):
    """What draws say, and how sure they are."""

    mean: Float[Array, "..."]
    """The mean of indicators over the draws: discrete, so that asking for its gradient is an error."""
    error: Float[Array, "..."]
    """Standard error of the mean, made with one draw more of each kind, so that it is never zero."""


def marginals(structure: AbstractStructure) -> Float[Array, "..."]:
    """E[X], exactly: how likely each entry of the value is 1.

    Closed forms, for any size: `Categorical`, `Choices`; `BinaryTree` in O(n³). An integral that is exact to rounding:
    `Subset` in O(500 n² k), `Permutation` in O(500 n³). `Labelled` as the structure without labels. All others by
    enumeration. These are the marginals of the
    races; those of Gibbs distributions with the same weights are others, see `GibbsArborescence`.

    **Arguments:**

    - `structure`: one of those, or a small one: about five nodes.

    **Returns:** an array shaped like the value, differentiable in the rates. NaN where a log-rate is NaN, and for items
    whose log-rates span hundreds.

    **Raises:** `ValueError` beyond 200,000 traces (`marginals_estimate` takes any size), and where rates of zero make
    traces end early; compiled, it is then NaN.
    """
    return _flagged(_marginals(structure), structure)


def pair_marginals(structure: AbstractStructure) -> Float[Array, "..."]:
    """E[X_a X_b], exactly: how likely each two entries of the value are both 1.

    `Categorical`, `Choices` and `Subset` of any size, the last by an integral in O(500 n² k); all others by
    enumeration.

    **Arguments:**

    - `structure`: one of those, or a small one: about five nodes.

    **Returns:** an array with the axes of the value twice, differentiable in the rates; its diagonal is `marginals`.

    **Raises:** as `marginals`.
    """
    return _flagged(_pairs(structure), structure)


def marginals_estimate(structure: AbstractStructure | AbstractGibbs, *, draws: int, key: Key) -> Estimate:
    """How likely each entry of the value is 1, as often as it was among independent draws.

    **Arguments:**

    - `structure`: of any size, also a Gibbs distribution.
    - `draws`: how many, static.

    **Returns:** mean and standard error, each shaped like the value. NaN where a draw is not valid.

    **Raises:** `ValueError` where the rates admit no whole structure, and for `draws` below 1; `TypeError` when
    differentiated: the gradient of an expectation is the business of `vestige.estimators.expect`.
    """
    return _counted(structure, draws, key, lambda value: value)


def pair_marginals_estimate(structure: AbstractStructure | AbstractGibbs, *, draws: int, key: Key) -> Estimate:
    """How likely each two entries of the value are both 1, as often as they were among independent draws.

    **Arguments:**

    - `structure`: of any size, also a Gibbs distribution.
    - `draws`: how many, static.

    **Returns:** mean and standard error, each with the axes of the value twice. NaN where a draw is not valid.

    **Raises:** as `marginals_estimate`.
    """
    return _counted(structure, draws, key, lambda value: jnp.tensordot(value, value, 0))


def _counted(
    structure: AbstractStructure | AbstractGibbs, draws: int, key: Key, of_value: Callable[[Array], Array]
) -> Estimate:
    if draws < 1:
        raise ValueError(f"{type(structure).__name__}: draws must be at least 1, got {draws}")

    def one(total: Array, key: Key) -> tuple[Array, Array]:
        draw = structure.sample(key=key)
        return total + of_value(draw.value), draw.valid

    shape = jax.eval_shape(lambda key: of_value(structure.sample(key=key).value), key)
    total, valid = jax.lax.scan(one, jnp.zeros(shape.shape, shape.dtype), jax.random.split(key, draws))
    smooth = (jax.lax.stop_gradient(total) + 1.0) / (draws + 2)
    error = jnp.sqrt(smooth * (1.0 - smooth) / draws)
    fine = jnp.where(jnp.all(valid), 1.0, jnp.nan).astype(total.dtype)
    return Estimate(total / draws * fine, error * fine)


def _flagged(found: Array, structure: AbstractStructure) -> Array:
    return found * jnp.where(structure.usable, 1.0, jnp.nan).astype(found.dtype)


def _listed(structure: AbstractStructure, owner: str) -> tuple[Array, Array]:
    """All values and their probabilities."""
    values, (log_probs,) = on_values(structure)
    log_probs, valid = whole(log_probs, structure, owner)
    return values, jnp.where(valid, gain(log_probs, jnp.ones_like(log_probs)), jnp.nan)


@functools.singledispatch
def _marginals(structure: AbstractStructure) -> Array:
    values, probs = _listed(structure, "marginals")
    return jnp.tensordot(probs, values, 1)


@functools.singledispatch
def _pairs(structure: AbstractStructure) -> Array:
    values, probs = _listed(structure, "pair_marginals")
    flat = values.reshape(values.shape[0], -1)
    # One row at a time: XLA 0.10 on a CPU compiles the gradient of the sum of (flat * probs).T @ flat wrongly.
    rows = jax.lax.map(lambda entry: jnp.tensordot(probs * entry, flat, 1), flat.T)
    return rows.reshape(2 * values.shape[1:])


def _shares(log_rates: Array) -> Array:
    """Softmax over the last axis; zeros where nothing is possible."""
    some = jnp.any(log_rates > -jnp.inf, axis=-1, keepdims=True)
    return jnp.where(some, jax.nn.softmax(jnp.where(some, log_rates, 0.0), axis=-1), 0.0)


@_marginals.register(Categorical)
@_marginals.register(Choices)
def _(structure: Categorical | Choices) -> Array:
    return _shares(structure.log_rates)


@_marginals.register
def _(structure: Labelled) -> Array:
    """Structure and labels are independent."""
    parts = with_root(structure.structure, _marginals(structure.structure))
    shares = gain(structure.log_shares, jnp.ones_like(structure.log_rates))
    if isinstance(structure.template, SpanningTree):
        shares = shares + jnp.swapaxes(shares, 0, 1)
    return parts[..., None] * shares


@_marginals.register
def _(structure: Subset) -> Array:
    return first_k_moments(structure.log_rates, structure.k, structure.max_k)[0]


@_marginals.register
def _(structure: Permutation) -> Array:
    return place_probabilities(structure.log_rates, structure.log_rates.shape[0])


@_marginals.register
def _(structure: BinaryTree) -> Array:
    """A position is a child of an end of the interval that it wins: the later of the two."""
    rates = structure.log_rates
    n = rates.shape[0]
    inside = between(n)
    left, right = (gain(x, jnp.ones_like(x)) for x in segments(structure))
    log_total = jnp.where(inside, jnp.broadcast_to(rates, inside.shape), -jnp.inf)
    wins = _shares(log_total)
    return (jnp.einsum("ab,abk->ak", left, wins) + jnp.einsum("ab,abk->bk", right, wins))[1 : n + 1]


@_pairs.register
def _(structure: Categorical) -> Array:
    return jnp.diag(_shares(structure.log_rates))


@_pairs.register
def _(structure: Choices) -> Array:
    shares = _shares(structure.log_rates)
    rows, options = shares.shape
    same_row = jnp.eye(rows, dtype=bool)[:, None, :, None]
    within = jnp.eye(options, dtype=shares.dtype)[None, :, None, :] * shares[:, :, None, None]
    return jnp.where(same_row, within, jnp.tensordot(shares, shares, 0))


@_pairs.register
def _(structure: Subset) -> Array:
    return first_k_moments(structure.log_rates, structure.k, structure.max_k)[1]
