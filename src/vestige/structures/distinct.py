"""Traces drawn without replacement."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.numerics import log_exponential, logsumexp
from vestige.structures.categorical import Categorical
from vestige.structures.permutation import Permutation
from vestige.structures.subset import Subset
from vestige.typing import Key

Sequential = Categorical | Subset | Permutation
"""Structures whose trace is a sequence of items, each drawn from those not yet taken."""


class Distinct(NamedTuple):
    """The traces with the largest perturbed log-probabilities, in falling order: a sample without replacement."""

    winners: Int[Array, "traces steps"]
    """Keys, step by step; -1 where a trace has no such step."""
    log_probs: Float[Array, " traces"]
    """-inf, with winners that mean nothing, where there are fewer traces than were requested."""
    perturbed: Float[Array, " traces"]
    """Log-probabilities plus Gumbel noise."""


def distinct_traces(structure: Sequential, count: int, *, key: Key) -> Distinct:
    """`count` different traces, as if each were drawn in proportion to its probability among those not yet drawn.

    Stochastic beam search over the items in order of arrival (Kool et al. 2020, ancestral Gumbel-top-k): the maximum
    of the children's perturbed log-probabilities is conditioned on their parent's. O(count · items · steps).

    **Arguments:**

    - `structure`: a `Categorical`, a `Subset` or a `Permutation` without a mask.
    - `count`: static.

    **Returns:** the traces with their log-probabilities, in falling order of the perturbed ones.

    **Raises:** `ValueError` for a `Permutation` with a mask.
    """
    rates = structure.log_rates
    items = rates.shape[0]
    steps = jax.eval_shape(structure.run, rates).winners.shape[0]
    if steps == items and isinstance(structure, Permutation) and structure.mask is not None:
        raise ValueError("distinct_traces: a Permutation with a mask is not supported; leave the mask out")

    length = structure.k if isinstance(structure, Subset) else steps

    def extend(state, key):
        winners, taken, log_probs, perturbed, step = state
        ended = step >= length
        left = jnp.where(taken, -jnp.inf, jnp.broadcast_to(rates[None, :], taken.shape))
        total = logsumexp(left, 1)
        share = left - jnp.where(total > -jnp.inf, total, 0.0)[:, None]
        children = log_probs[:, None] + share
        noisy = children - log_exponential(children.shape, rates.dtype, key=key)
        child = _conditioned(noisy, perturbed[:, None])
        best, place = jax.lax.top_k(child.reshape(-1), count)
        beam, item = place // items, place % items
        grown = winners[beam].at[:, step].set(item.astype(jnp.int32))
        now_taken = taken[beam] | (item[:, None] == jnp.arange(items, dtype=item.dtype)[None, :])
        after = grown, now_taken, children.reshape(-1)[place], best
        before = winners, taken, log_probs, perturbed
        kept = jax.tree.map(lambda old, new: jnp.where(ended, old, new), before, after)
        return (*kept, step + 1), None

    nothing = jnp.full(count, -jnp.inf, rates.dtype)
    key_root, key_steps = jax.random.split(key)
    start = (
        jnp.full((count, steps), -1, jnp.int32),
        jnp.zeros((count, items), bool),
        nothing.at[0].set(0.0),
        nothing.at[0].set(-log_exponential((), rates.dtype, key=key_root)),
        jnp.int32(0),
    )
    (winners, _, log_probs, perturbed, _), _ = jax.lax.scan(extend, start, jax.random.split(key_steps, steps))
    return Distinct(winners, log_probs, perturbed)


def _conditioned(noisy: Float[Array, "beams items"], top: Float[Array, "beams 1"]) -> Float[Array, "beams items"]:
    """Gumbel variables given that their maximum is `top`: -log(exp(-top) - exp(-max) + exp(-noisy))."""
    largest = jnp.max(noisy, axis=1, keepdims=True)
    possible = (noisy > -jnp.inf) & (top > -jnp.inf)
    gap = jnp.where(possible & (noisy < largest), noisy - largest, -1.0)
    v = jnp.where(possible, top - noisy, 0.0) + jnp.log(-jnp.expm1(gap))
    shifted = top - jnp.maximum(v, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(v)))
    return jnp.where(possible, jnp.where(noisy == largest, top, shifted), -jnp.inf)
