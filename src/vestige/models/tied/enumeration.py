"""Small nets whole: every state of every hidden layer."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.domain import admitted, log_or_impossible, require_values
from vestige.models.tied.net import Net, States
from vestige.numerics import logsumexp

MOST = 2**20


class Marginals(NamedTuple):
    """log p(x^k) of every state of layer k = 1 … n, in the order of `units.states()`."""

    log_p: tuple[Float[Array, " states"], ...]


def layer_states(net: Net, k: int) -> Float[Array, "states *units"]:
    """All values of layer `k` of `net`, (states, …).

    **Raises:** `ValueError` where there are more than 2^20.
    """
    _few(net.units[k].count, f"layer {k}")
    return jnp.asarray(net.units[k].states(), net.prior.dtype)


def hidden_states(net: Net) -> States:
    """All values of the hidden layers together, layer 1 slowest. **Raises:** `ValueError` beyond 2^20."""
    counts = [units.count for units in net.units[1:]]
    total = _few(math.prod(counts), "the hidden layers")
    found, repeats = [], total
    for k, count in enumerate(counts, start=1):
        repeats //= count
        places = (jnp.arange(total) // repeats) % count
        found.append(layer_states(net, k)[places])
    return tuple(found)


def marginals(net: Net, log_top: Float[Array, " states"] | None = None) -> Marginals:
    """log p(x^k) of the hidden layers, from the top down. O(Σ_k states_k · states_{k+1}) time and memory.

    **Arguments:**

    - `net`: the pair of networks.
    - `log_top`: of the states of the top layer; None: the prior's.
    """
    tables = [layer_log_probs(net, net.depth, None)[0] if log_top is None else log_top]
    for k in reversed(range(1, net.depth)):
        tables.append(logsumexp(layer_log_probs(net, k, k + 1) + tables[-1][:, None], 0))
    return Marginals(tuple(reversed(tables)))


def exact_log_likelihood(
    net: Net, data: Float[Array, "rows *units"], log_top: Float[Array, " states"] | None = None
) -> Float[Array, " rows"]:
    """log p(x⁰), nats, by summing out one layer after the other. O(rows · states_1 + Σ states_k states_{k+1}).

    -inf for a traced row that is no value of layer 0, NaN where it holds a NaN.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: (rows, …), each shaped like layer 0.
    - `log_top`: log-probabilities of the states of the top layer, in the order of `units.states()`; None: the prior's.

    **Raises:** `ValueError` for concrete rows that are not values of layer 0.
    """
    require_values(net, data, "exact_log_likelihood", rows=True)
    if net.shortcuts is not None:
        return _by_top(net, data, layer_log_probs(net, net.depth, None)[0] if log_top is None else log_top)
    above = marginals(net, log_top).log_p[0]
    states = layer_states(net, 1)
    logits = jax.vmap(lambda x: net.down_logits(0, x))(states)

    def one(x: Array) -> Array:
        return log_or_impossible(net, x, logsumexp(jax.vmap(lambda a: net.units[0].log_prob(x, a))(logits) + above, 0))

    return jax.lax.map(one, data)


def _by_top(net: Net, data: Array, log_top: Array) -> Float[Array, " rows"]:
    """log p(x⁰) of a net that is a chain once its top is given: once for every state of the top."""
    each = jax.lax.map(lambda top: exact_log_likelihood(net.given_top(top), data), layer_states(net, net.depth))
    return logsumexp(each + log_top[:, None], 0)


def log_posterior(net: Net, data: Float[Array, "*units"]) -> Float[Array, " states"]:
    """log p(h | x⁰) of all `hidden_states` of one example; NaN where it is no value of layer 0, concrete ones raise.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    """
    require_values(net, data, "log_posterior")
    hidden = hidden_states(net)
    joint = jax.vmap(lambda *h: net.log_p((data, *h)))(*hidden)
    return jnp.where(admitted(net, data), joint - logsumexp(joint, 0), jnp.nan)


def exact_gaps(net: Net, data: Float[Array, "rows *units"]) -> Float[Array, "rows layers"]:
    """KL(q(h | x⁰) ‖ p(h | x⁰)) of each example, by layer, nats; the sum over layers is the whole.

    Both posteriors are chains upward, so the divergence is Σ_k E_q KL(q(x^k | x^{k-1}) ‖ p(x^k | x^{k-1})), where
    p(x^k | x^{k-1}) ∝ p(x^{k-1} | x^k) p(x^k). O(Σ_k states_{k-1} states_k). NaN for a row that is no value of
    layer 0; concrete ones raise.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: (rows, …), each shaped like layer 0.
    """
    require_values(net, data, "exact_gaps", rows=True)
    above = marginals(net).log_p
    tables = []  # per layer, KL given each state of the layer below
    passes = []  # log q(x^k | x^{k-1}), below first
    for k in range(2, net.depth + 1):
        below = layer_states(net, k - 1)
        log_p = layer_log_probs(net, k - 1, k).T + above[k - 1][None]
        log_q = layer_log_q(net, k, below)
        tables.append(_divergence(log_q, log_p - logsumexp(log_p, 1)[:, None]))
        passes.append(log_q)

    def one(x: Array) -> Array:
        first = layer_states(net, 1)
        log_p = jax.vmap(lambda h: net.units[0].log_prob(x, net.down_logits(0, h)))(first) + above[0]
        log_q = layer_log_q(net, 1, x[None])
        gaps = [_divergence(log_q, (log_p - logsumexp(log_p, 0))[None])[0]]
        weights = jnp.exp(log_q[0])
        for table, step in zip(tables, passes, strict=True):
            gaps.append(weights @ table)
            weights = weights @ jnp.exp(step)
        return jnp.where(admitted(net, x), jnp.stack(gaps), jnp.nan)

    return jax.lax.map(one, data)


def log_z_squared(net: Net) -> Float[Array, ""]:
    """log Z² of the bidirectional model p*(x, h) ∝ √(p(x, h) q(h | x) p*(x)), Z² = Σ_x (Σ_h √(p q))²; tiny nets only
    (Bornschein et al. 2016). O(states of all layers)."""
    data = layer_states(net, 0)
    return logsumexp(jax.lax.map(lambda x: half_log_likelihood(net, x), data), 0)


def half_log_likelihood(net: Net, data: Float[Array, "*units"]) -> Float[Array, ""]:
    """2 log Σ_h √(p(x, h) q(h | x)): log p*(x) + log Z², and a lower bound of log p(x). -inf where x is no value of
    layer 0; concrete ones raise.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    """
    require_values(net, data, "half_log_likelihood")
    hidden = hidden_states(net)
    each = jax.vmap(lambda *h: 0.5 * (net.log_p((data, *h)) + net.log_q((data, *h))))(*hidden)
    return log_or_impossible(net, data, 2 * logsumexp(each, 0))


def layer_log_probs(net: Net, k: int, given: int | None) -> Float[Array, "above states"]:
    """log p(x^k | x^{k+1}) of all states of layer k.

    **Arguments:**

    - `net`: the pair of networks.
    - `k`: the layer.
    - `given`: the layer above, k + 1; None: there is none.

    **Returns:** a row for every state above; one, of the prior, where there is none.

    **Raises:** `ValueError` where a layer has more than 2^20 states, and for a net with shortcuts.
    """
    states = layer_states(net, k)
    if given is not None:
        _require_chain(net)
    logits = net.prior[None] if given is None else jax.vmap(lambda x: net.down_logits(k, x))(layer_states(net, given))
    return jax.vmap(lambda a: jax.vmap(lambda x: net.units[k].log_prob(x, a))(states))(logits)


def layer_log_q(net: Net, k: int, below: Float[Array, "rows *units"]) -> Float[Array, "rows states"]:
    """log q(x^k | x^{k-1}) of all states of layer k.

    **Arguments:**

    - `net`: the pair of networks.
    - `k`: the layer.
    - `below`: (rows, …), values of layer k - 1.

    **Raises:** `ValueError` where layer k has more than 2^20 states, and for a net with shortcuts.
    """
    _require_chain(net)
    states = layer_states(net, k)
    logits = jax.vmap(lambda x: net.up_logits(k, (x,) * k))(below)
    return jax.vmap(lambda a: jax.vmap(lambda x: net.units[k].log_prob(x, a))(states))(logits)


def _divergence(log_q: Float[Array, "rows states"], log_p: Float[Array, "rows states"]) -> Float[Array, " rows"]:
    there = log_q > -jnp.inf
    return jnp.sum(jnp.where(there, jnp.exp(log_q) * (jnp.where(there, log_q, 0.0) - log_p), 0.0), axis=1)


def _require_chain(net: Net) -> None:
    if net.shortcuts is not None:
        raise ValueError(
            "enumeration: layers are summed out one after the other here, which those of a net with shortcuts cannot "
            "be; for it there are `exact_log_likelihood`, `log_posterior` and `half_log_likelihood`, and by sampling "
            "`gaps`, `completed`, `filled` and `chain_end`"
        )


def _few(count: int, what: str) -> int:
    if count > MOST:
        raise ValueError(
            f"enumeration: {what} have {count:,} states, at most {MOST:,} can be summed over; use "
            "`importance_log_likelihood` or `annealed_log_likelihood`"
        )
    return count
