"""Exact quantities of small structures, by listing all traces."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.structures.attached import attached
from vestige.structures.contract import AbstractStructure, absent, flagged
from vestige.structures.recursion import traces
from vestige.structures.traces import AbstractTrace
from vestige.typing import Key

LIMIT = 200_000  # traces


def all_winners(structure: AbstractStructure) -> np.ndarray:
    """The winners of every trace of a structure of this size, (traces, steps); -1 where a trace has no such step.

    Only the shape of the structure is looked at, never its rates: traces that need a key of rate zero are listed too,
    traces that end early for want of keys are not.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    found = list(itertools.islice(traces(structure.recursion()), LIMIT + 1))
    if len(found) > LIMIT:
        raise ValueError(
            f"{type(structure).__name__} with log_rates of shape {structure.log_rates.shape} has more than {LIMIT:,} "
            "traces; exact enumeration is for about five nodes. Use LeaveOneOut or Relax, or entropy_estimate."
        )
    steps = jax.eval_shape(structure.run, structure.log_rates).winners.shape[0]
    winners = np.full((len(found), steps), -1, np.int32)
    for row, trace in enumerate(found):
        for step, (_, winner) in trace.items():
            winners[row, step] = winner
    return winners


class Table(NamedTuple):
    """All traces of a structure, with a leading axis."""

    traces: AbstractTrace
    """The traces."""
    values: Float[Array, "traces ..."]
    """The indicator array of each."""
    log_probs: Float[Array, " traces"]
    """Differentiable in the rates. They sum to one unless masks or rates of zero make traces end early."""


def enumerate_traces(structure: AbstractStructure) -> Table:
    """Every trace, what it amounts to, and its log-probability.

    **Arguments:**

    - `structure`: a small one: about five nodes.

    **Returns:** a table with one row a trace; `all_winners` says which traces are listed.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    winners = jnp.asarray(all_winners(structure))
    every = jax.vmap(structure.replay)(winners)
    values = jax.vmap(structure.value)(every)
    # A trace that needs a key of rate zero is replayed as another one.
    possible = jnp.all(every.winners == winners, axis=1)
    log_probs = jnp.where(possible, jax.vmap(structure.log_prob)(every), -jnp.inf)
    return Table(every, jax.lax.stop_gradient(values), log_probs)


def structure_log_prob(structure: AbstractStructure, value: Float[Array, "..."]) -> Float[Array, ""]:
    """log p(value): of the structure, summed over all traces that lead to it. By enumeration, for small ones.

    For `Subset` of any size see `subset_log_prob`; for `Categorical`, `Permutation` and `BinaryTree` the trace *is*
    the structure, so that `structure.log_prob` is what you want.

    **Arguments:**

    - `structure`: a small one: about five nodes.
    - `value`: an indicator array, shaped like the value of a draw.

    **Returns:** one number, nats, differentiable in the rates; -inf for an array that is no such structure.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    table = enumerate_traces(structure)
    same = jnp.all((table.values == value[None]).reshape(table.values.shape[0], -1), axis=1)
    empty = absent(structure.mask) & jnp.all(value == 0)
    return jnp.where(empty, 0.0, jax.nn.logsumexp(table.log_probs, where=same))


def entropy(structure: AbstractStructure) -> Float[Array, ""]:
    """Entropy of the trace distribution, exactly. By enumeration, for small structures.

    **Arguments:**

    - `structure`: a small one: about five nodes.

    **Returns:** one number, nats, differentiable in the rates.

    **Raises:** `ValueError` beyond 200,000 traces.
    """
    log_probs = enumerate_traces(structure).log_probs
    possible = log_probs > -jnp.inf
    finite = jnp.where(possible, log_probs, 0.0)
    return -jnp.sum(jnp.where(possible, jnp.exp(finite) * finite, 0.0))


def entropy_estimate(structure: AbstractStructure, *, draws: int, key: Key) -> Float[Array, ""]:
    """Entropy of the trace distribution, the mean of -log p(T) over draws.

    Unbiased, and so is its gradient (leave-one-out over the same draws, for two or more). Of first order: a second
    derivative raises `TypeError`.

    **Arguments:**

    - `structure`: of any size.
    - `draws`: how many, static.

    **Returns:** one number, nats; NaN where a draw is not valid.

    **Raises:** `ValueError` where the rates admit no whole structure.
    """
    frozen = jax.lax.stop_gradient(structure)
    drawn = jax.vmap(lambda k: frozen.sample(key=k))(jax.random.split(key, draws))
    log_probs = jax.vmap(structure.log_prob)(drawn.trace)
    still = jax.lax.stop_gradient(log_probs)
    others = (jnp.sum(still) - still) / max(draws - 1, 1)
    # The gradient of -E log p is -E[log p ∇log p]: the expected score itself is zero.
    return flagged(attached(-jnp.mean(still), log_probs, (others - still) / draws), jnp.all(drawn.valid))
