"""Where a pair ends that goes up by recognition and down by generation, again and again.

A pair whose two directions are one joint model stays at its own distribution. How far the chain x → xⁿ ~ q → x ~ p
drifts from it says how far the two are apart, in the data and not in the hidden layers (notes, addendum B).
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.enumeration import layer_log_probs, layer_log_q, layer_states
from vestige.models.tied.net import Net
from vestige.numerics import logsumexp
from vestige.typing import Key

MOST_PAIRS = 2**24
"""States of a layer times those of the one above it."""
SQUARINGS = 40
"""Of the matrix of one round: 2^40 rounds."""


class Limiting(NamedTuple):
    """The limiting distribution of the chain, and how far it is from the model's own."""

    log_top: Float[Array, " states"]
    """Log-probabilities of the states of the top layer. `exact_log_likelihood(net, data, log_top)` is that of data."""
    divergence: Float[Array, ""]
    """KL(limiting distribution of x⁰ ‖ p(x⁰)), nats; 0 where the two directions are one joint model."""


def few_pairs(net: Net) -> bool:
    """Whether `exact_limiting` can sum over the layers of `net`."""
    counts = [units.count for units in net.units]
    return all(one * other <= MOST_PAIRS for one, other in itertools.pairwise(counts))


def exact_limiting(net: Net) -> Limiting:
    """The limiting distribution, by enumeration of every layer, the data too.

    Time O(states of the top · Σ_k states_{k-1} states_k), memory O(Σ_k states_{k-1} states_k).

    **Arguments:** `net`: the pair of networks.

    **Returns:** the distribution of the top layer of its only invariant law (all conditionals are positive), and the
    divergence.

    **Raises:** `ValueError` where two neighbouring layers have more than 2^24 pairs of states.
    """
    if not few_pairs(net):
        counts = [units.count for units in net.units]
        raise ValueError(
            f"exact_limiting: layers have {', '.join(f'{count:,}' for count in counts)} states, and neighbouring ones "
            f"at most {MOST_PAIRS:,} pairs can be summed over; follow chains (`chain_end`)"
        )
    count = len(layer_states(net, net.depth))
    down = jnp.zeros((count, count)) + jnp.where(jnp.eye(count, dtype=bool), 0.0, -jnp.inf)
    for k in reversed(range(net.depth)):  # log p(x^k | xⁿ)
        down = _log_product(down, layer_log_probs(net, k, k + 1))
    turn = down
    for k in range(1, net.depth + 1):  # log of one round, from top to top
        turn = _log_product(turn, layer_log_q(net, k, layer_states(net, k - 1)))

    def square(_: Array, powers: Array) -> Array:
        squared = _log_product(powers, powers)
        return squared - logsumexp(squared, 1)[:, None]

    log_top = jax.lax.fori_loop(0, SQUARINGS, square, turn - logsumexp(turn, 1)[:, None])[0]
    log_limit, log_own = (
        logsumexp(down + top[:, None], 0) for top in (log_top, layer_log_probs(net, net.depth, None)[0])
    )
    return Limiting(log_top, jnp.sum(jnp.exp(log_limit) * (log_limit - log_own)))


def chain_end(net: Net, start: Float[Array, "*units"], *, rounds: int, key: Key) -> Float[Array, "*units"]:
    """Data after some rounds of the chain, every layer sampled. O(rounds) passes.

    **Arguments:**

    - `net`: the pair of networks.
    - `start`: data, shaped like layer 0.
    - `rounds`: upward and downward passes, static.

    **Returns:** data, shaped like layer 0.
    """

    def turn(number: Array, data: Array) -> Array:
        key_up, key_down = jax.random.split(jax.random.fold_in(key, number))
        return net.generate(top=net.recognise(data, key=key_up)[-1], key=key_down)[0]

    return jax.lax.fori_loop(0, rounds, turn, start)


def _log_product(one: Float[Array, "rows inner"], other: Float[Array, "inner columns"]) -> Float[Array, "rows columns"]:
    """log(exp(one) @ exp(other)), a row at a time: nothing underflows."""
    return jax.lax.map(lambda row: logsumexp(row[:, None] + other, 0), one)
