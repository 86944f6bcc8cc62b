"""Annealed importance sampling between recognition and generation, forward and in reverse: a bracket for log p(x)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.domain import require_values
from vestige.models.tied.likelihood import Weighed, of_data, summarised
from vestige.models.tied.net import Net, States
from vestige.models.tied.units import OneHot
from vestige.typing import Key


def annealed_log_likelihood(
    net: Net, data: Float[Array, "*units"], *, temperatures: int, chains: int, key: Key
) -> Weighed:
    """log p(x) of one example from below, by AIS along f_b(h) = q(h | x)^{1-b} p(x, h)^b, b = 0, 1/T, …, 1 (notes,
    section 3.5). Every step is one sweep of Gibbs sampling, unit by unit. T = 1 is plain importance sampling.

    O(chains · temperatures · Σ_k n_k (kernels of layer k)): for nets of tens of units, or a few examples.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `temperatures`: T.
    - `chains`: independent ones.

    **Raises:** `ValueError` for fewer than 1 temperature or chain, and for concrete data that are not values of
    layer 0.
    """
    _check("annealed_log_likelihood", temperatures, chains)
    require_values(net, data, "annealed_log_likelihood")
    steps = jnp.linspace(0.0, 1.0, temperatures + 1, dtype=data.dtype)

    def chain(key: Key) -> Array:
        key_start, key_moves = jax.random.split(key)

        def move(carry, t):
            states, total = carry
            total = total + (steps[t] - steps[t - 1]) * _log_ratio(net, states)
            states = jax.lax.cond(  # the last weight needs no move after it
                t < temperatures,
                lambda s: sweep(net, s, steps[t], key=jax.random.fold_in(key_moves, t)),
                lambda s: s,
                states,
            )
            return (states, total), None

        start = (net.recognise(data, key=key_start), jnp.zeros((), data.dtype))
        (_, total), _ = jax.lax.scan(move, start, jnp.arange(1, temperatures + 1))
        return total

    return of_data(net, data, summarised(jax.vmap(chain)(jax.random.split(key, chains))))


def reverse_log_likelihood(net: Net, states: States, *, temperatures: int, chains: int, key: Key) -> Weighed:
    """log p(x⁰) from above, by AIS run backwards from `states` = (x⁰, h), which must be drawn from the generation
    network together: `net.generate(key=…)` (bidirectional Monte Carlo, Grosse et al. 2015).

    `log_mean` is -log (1/C Σ 1/w), a stochastic upper bound for such data.

    **Arguments:**

    - `net`: the pair of networks.
    - `states`: one draw of all layers.
    - `temperatures`: T.
    - `chains`: independent ones.

    **Raises:** `ValueError` for fewer than 1 temperature or chain, and for concrete data that are not values of
    layer 0.
    """
    _check("reverse_log_likelihood", temperatures, chains)
    require_values(net, states[0], "reverse_log_likelihood")
    steps = jnp.linspace(0.0, 1.0, temperatures + 1, dtype=states[0].dtype)

    def chain(key: Key) -> Array:
        def move(carry, t):
            states, total = carry
            moved = sweep(net, states, steps[t], key=jax.random.fold_in(key, t))
            return (moved, total + (steps[t] - steps[t - 1]) * _log_ratio(net, moved)), None

        start = (states, jnp.zeros((), states[0].dtype))
        (_, total), _ = jax.lax.scan(move, start, jnp.arange(temperatures, 0, -1))
        return total

    found = summarised(-jax.vmap(chain)(jax.random.split(key, chains)))
    return of_data(net, states[0], Weighed(-found.log_mean, -found.mean_log, found.ess, found.error))


def sweep(net: Net, states: States, b: Float[Array, ""], *, key: Key) -> States:
    """One sweep of Gibbs sampling over the hidden units that leaves q(h | x)^{1-b} p(x, h)^b as it is. Layer by layer
    upward, and in each layer unit by unit; a layer of classes at once.

    **Arguments:**

    - `net`: the pair of networks.
    - `states`: of all layers; the data stay as they are.
    - `b`: from 0 to 1.
    """
    found = list(states)
    for k in range(1, net.depth + 1):
        key_layer = jax.random.fold_in(key, k)
        if isinstance(net.units[k], OneHot):
            found[k] = _classes(net, tuple(found), k, b, key=key_layer)
        else:
            found[k] = _bits(net, tuple(found), k, b, key=key_layer)
    return tuple(found)


def _bits(net: Net, states: States, k: int, b: Array, *, key: Key) -> Float[Array, "*units"]:
    shape = net.units[k].shape
    noise = jax.random.uniform(key, (net.units[k].size,), states[k].dtype)

    def flip(flat: Array, unit: Array) -> tuple[Array, None]:
        pair = jnp.stack([flat.at[unit].set(value) for value in (0.0, 1.0)])
        weight = jax.vmap(lambda h: _log_density(net, states, k, h.reshape(shape), b))(pair)
        return pair[(noise[unit] < jax.nn.sigmoid(weight[1] - weight[0])).astype(int)], None

    flat, _ = jax.lax.scan(flip, states[k].reshape(-1), jnp.arange(net.units[k].size))
    return flat.reshape(shape)


def _classes(net: Net, states: States, k: int, b: Array, *, key: Key) -> Float[Array, " classes"]:
    values = jnp.eye(net.units[k].shape[0], dtype=states[k].dtype)
    weights = jax.vmap(lambda y: _log_density(net, states, k, y, b))(values)
    return values[jax.random.categorical(key, weights)]


def _log_density(net: Net, states: States, k: int, value: Array, b: Array) -> Float[Array, ""]:
    """The part of log f_b in which layer k enters."""
    states = (*states[:k], value, *states[k + 1 :])
    down, up = {k - 1, k}, {k, min(k + 1, net.depth)}
    if k == net.depth:
        down |= set(net.with_top)
    elif k in net.with_top:
        up.add(net.depth)
    p = jnp.stack([net.log_p_term(j, states) for j in sorted(down)])
    q = jnp.stack([net.log_q_term(j, states) for j in sorted(up)])
    return b * jnp.sum(p) + (1 - b) * jnp.sum(q)


def _log_ratio(net: Net, states: States) -> Float[Array, ""]:
    return net.log_p(states) - net.log_q(states)


def _check(where: str, temperatures: int, chains: int) -> None:
    if temperatures < 1 or chains < 1:
        raise ValueError(f"{where}: temperatures and chains must be at least 1, got {temperatures} and {chains}")
