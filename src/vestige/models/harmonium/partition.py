"""log Z: exact where the hidden units can be enumerated, annealed importance sampling where not."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import bits
from vestige.models.harmonium.model import Harmonium
from vestige.numerics import log_difference
from vestige.typing import Key, PyTree

MOST = 20  # hidden units that are enumerated: 2^20 sums
BLOCK = 12  # of which so many at once


def exact_log_partition(harmonium: Harmonium) -> Float[Array, ""]:
    """log Z, the sum over all states of the hidden units, the visible ones summed or integrated out in each.

    Time 2^hidden x naturals x hidden; memory of 2^12 states.

    **Raises:** `ValueError` for more than 20 hidden units.
    """
    count = harmonium.hidden_bias.shape[0]
    if count > MOST:
        raise ValueError(
            f"exact_log_partition: at most {MOST} hidden units can be enumerated, got {count}; use "
            "annealed_log_partition"
        )
    inner = min(count, BLOCK)
    dtype = harmonium.hidden_bias.dtype
    low = _states(inner, dtype)

    def block(high: Float[Array, " outer"]) -> Float[Array, ""]:
        hidden = jnp.concatenate([jnp.broadcast_to(high, (low.shape[0], count - inner)), low], axis=1)
        terms = hidden @ harmonium.hidden_bias + jax.vmap(harmonium.family.log_partition)(
            jax.vmap(harmonium.natural)(hidden)
        )
        return jax.nn.logsumexp(terms)

    return jax.nn.logsumexp(jax.lax.map(block, _states(count - inner, dtype)))


def _states(count: int, dtype: jnp.dtype) -> Float[Array, "states count"]:
    """Every state of so many bits, the first slowest."""
    places = jnp.arange(count - 1, -1, -1)
    return jax.vmap(lambda number: (number >> places) & 1)(jnp.arange(2**count)).astype(dtype)


class Annealed(NamedTuple):
    """What annealed importance sampling says of log Z."""

    log_partition: Float[Array, ""]
    """The logarithm of the mean weight: the mean is unbiased for Z, its logarithm is low on average."""
    error: Float[Array, ""]
    """Standard error of it, by the delta method: of the mean weight, relative to it. It does not see a mode that no
    chain has found."""
    effective: Float[Array, ""]
    """Effective number of chains, (Σ w)² / Σ w²."""
    clamped: Float[Array, ""]
    """Share of the draws of visible units for which no law exists, so that those of the nearest one were taken. Where
    it is not 0, `log_partition` is NaN: the chains were not those of the harmonium."""


def annealed_log_partition(
    harmonium: Harmonium, *, base: Float[Array, " naturals"] | None = None, chains: int, steps: int, key: Key
) -> Annealed:
    """Anneal from independent visible units to the harmonium (Neal 2001; Salakhutdinov & Murray 2008).

    At inverse temperature β the weights, the hidden biases and the visible biases are β times the harmonium's, the
    visible ones plus 1 - β times `base`: the natural parameters of the independent units, best those that fit the
    data's means; the harmonium's own visible biases where None. β rises evenly over `steps` steps.

    Time: chains x steps x naturals x hidden; memory that of the chains.

    **Raises:** `ValueError` where chains or steps is not positive.
    """
    if chains < 1 or steps < 1:
        raise ValueError(f"annealed_log_partition: chains and steps must be at least 1, got {chains} and {steps}")
    start = harmonium.visible_bias if base is None else base
    dtype = start.dtype
    count = harmonium.hidden_bias.shape[0]
    temperatures = jnp.linspace(0, 1, steps + 1, dtype=dtype)

    def chain(key: Key) -> tuple[Float[Array, ""], Float[Array, ""]]:
        first, key = jax.random.split(key)
        value = harmonium.family.draw(start, key=first)

        def anneal(carry: tuple[PyTree[Array], Array], now: tuple[Array, Array, Key]) -> tuple[tuple, Array]:
            value, weight = carry
            before, beta, key = now
            logits = harmonium.logits(value)  # at β = 1; at any other they are β times these
            linear = jnp.dot(harmonium.visible_bias - start, harmonium.family.statistics(value))
            warmer = before * linear + jnp.sum(jax.nn.softplus(before * logits))
            cooler = beta * linear + jnp.sum(jax.nn.softplus(beta * logits))
            key_hidden, key_visible = jax.random.split(key)
            hidden = bits(beta * logits, key=key_hidden)
            natural = beta * harmonium.natural(hidden) + (1 - beta) * start
            drawn = harmonium.family.draw(natural, key=key_visible)
            return (drawn, weight + cooler - warmer), harmonium.family.clamped(natural)

        keys = jax.random.split(key, steps)
        (_, weight), clamped = jax.lax.scan(
            anneal, (value, jnp.zeros((), dtype)), (temperatures[:-1], temperatures[1:], keys)
        )
        return weight, jnp.mean(clamped | harmonium.family.clamped(start))

    weights, clamped = jax.vmap(chain)(jax.random.split(key, chains))
    clamped = jnp.mean(clamped)
    log_base = harmonium.family.log_partition(start) + count * jnp.log(jnp.asarray(2, dtype))
    mean = jax.nn.logsumexp(weights) - jnp.log(jnp.asarray(chains, dtype))
    square = jax.nn.logsumexp(2 * weights) - jnp.log(jnp.asarray(chains, dtype))
    spread = jnp.exp(0.5 * (log_difference(jnp.maximum(square, 2 * mean), 2 * mean) - 2 * mean))
    effective = jnp.exp(2 * jax.nn.logsumexp(weights) - jax.nn.logsumexp(2 * weights))
    log_partition = jnp.where(clamped == 0, log_base + mean, jnp.nan)
    return Annealed(log_partition, spread / jnp.sqrt(jnp.asarray(max(chains - 1, 1), dtype)), effective, clamped)
