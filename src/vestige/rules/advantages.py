"""How much better an action turned out than was expected."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def advantages(
    rewards: Float[Array, " time"],
    values: Float[Array, " time"],
    mask: Bool[Array, " time"],
    *,
    discount: float,
    trace: float,
) -> Float[Array, " time"]:
    """Generalised advantage estimates of one episode (Schulman et al. 2016, arXiv:1506.02438, equation 16).

    `A_t = d_t + discount trace A_{t+1}`, where `d_t = r_t + discount V_{t+1} - V_t`. Nothing follows the last step of
    the episode: both V and A are 0 there.

    **Arguments:**

    - `rewards`, `values`: r and V, (time,), in units of the reward.
    - `mask`: (time,), bool. Padding (False), wherever it stands, has advantage 0 and is passed over.
    - `discount`, `trace`: gamma and lambda, in [0, 1].

    **Returns:** (time,), in units of the reward.
    """

    def before(later: tuple[Array, Array], now: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], Array]:
        reward, value, there = now
        next_value, next_advantage = later
        error = reward + discount * next_value - value
        advantage = jnp.where(there, error + discount * trace * next_advantage, 0.0)
        return (jnp.where(there, value, next_value), jnp.where(there, advantage, next_advantage)), advantage

    zero = jnp.zeros((), values.dtype)
    return jax.lax.scan(before, (zero, zero), (rewards, values, mask), reverse=True)[1]


def standardised(values: Float[Array, "*shape"], mask: Bool[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`values` with mean 0 and variance 1 over the places where `mask` is True; 0 elsewhere."""
    count = jnp.maximum(jnp.sum(mask, dtype=values.dtype), 1.0)
    centred = jnp.where(mask, values - jnp.sum(jnp.where(mask, values, 0.0)) / count, 0.0)
    return centred / (jnp.sqrt(jnp.sum(jnp.square(centred)) / count) + 1e-8)
