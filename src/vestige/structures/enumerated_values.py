"""Values with their probabilities, all the traces that lead to each summed."""

import functools
import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.numerics import segment_logsumexp
from vestige.structures import exact
from vestige.structures.contract import AbstractStructure
from vestige.structures.subset import Subset
from vestige.structures.subset_probability import subset_log_prob

BITS = 31  # of a value, in one integer


class Values(NamedTuple):
    """All values of a structure, with a leading axis."""

    values: Float[Array, "values ..."]
    """Indicator arrays."""
    log_probs: Float[Array, " values"]
    """Differentiable in the rates; -inf in rows that stand for no value. They sum to one unless rates of zero make
    traces end early."""


def enumerate_values(structure: AbstractStructure) -> Values:
    """Every value and its log-probability.

    **Arguments:**

    - `structure`: a `Subset` with up to 200,000 sets, or another one with up to 200,000 traces: about five nodes.

    **Returns:** a table. It has as many rows as there are traces, or sets; those that stand for no value of their own
    have log-probability -inf.

    **Raises:** `ValueError` for a larger one.
    """
    values, (log_probs,) = on_values(structure)
    return Values(values, log_probs)


@functools.singledispatch
def on_values(
    structure: AbstractStructure, *others: AbstractStructure
) -> tuple[Float[Array, "values ..."], tuple[Float[Array, " values"], ...]]:
    """All values, and their log-probabilities under `structure` and under each of the `others`, which differ from it
    in their rates alone."""
    every = structure, *others
    possible = functools.reduce(jnp.logical_or, [one.log_rates != -jnp.inf for one in every])
    traces, values, there = exact.listed(structure, possible)
    first, group = exact.first_of_each(_packed(values))

    def summed(one: AbstractStructure) -> Float[Array, " values"]:
        of_groups = segment_logsumexp(exact.log_probs_of(one, traces, there), group, there.shape[0])
        return jnp.where(first, of_groups[group], -jnp.inf)

    return values, tuple(summed(one) for one in every)


@on_values.register
def _(structure: Subset, *others: Subset) -> tuple[Array, tuple[Array, ...]]:
    items, largest = structure.log_rates.shape[0], structure.max_k
    sizes = [largest] if structure.count is None else range(1, largest + 1)
    count = sum(math.comb(items, size) for size in sizes)
    if count > exact.LIMIT:
        of = str(largest) if structure.count is None else f"up to {largest}"
        raise ValueError(
            f"Subset: there are {count:,} sets of {of} of {items} items, more than {exact.LIMIT:,}. Use "
            "subset_log_prob for one of them, marginals, or kl_estimate."
        )
    table = np.zeros((count + 1, items))  # the last row: nothing, where nothing is there
    members = itertools.chain.from_iterable(itertools.combinations(range(items), size) for size in sizes)
    for row, chosen in enumerate(members):
        table[row, list(chosen)] = 1
    values = jnp.asarray(table, structure.log_rates.dtype)

    def summed(one: Subset) -> Float[Array, " values"]:
        return jax.vmap(lambda value: subset_log_prob(one, value))(values)

    return values, tuple(summed(one) for one in (structure, *others))


def _packed(values: Float[Array, "values ..."]) -> Int[Array, "values words"]:
    """Indicator arrays as integers."""
    bits = (values.reshape(values.shape[0], -1) > 0).astype(jnp.int32)
    bits = jnp.pad(bits, ((0, 0), (0, -bits.shape[1] % BITS)))
    weights = jnp.asarray(2 ** np.arange(BITS), jnp.int32)
    return jnp.sum(bits.reshape(bits.shape[0], -1, BITS) * weights[None, None], axis=2)
