"""log p(x⁰) by sampling: importance sampling and annealed importance sampling, both in log-scale and in chunks."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.domain import admitted, log_or_impossible, require_values
from vestige.models.tied.net import Net, States
from vestige.models.tied.units import OneHot
from vestige.numerics import batched_map, log_add, logsumexp
from vestige.typing import Key


class Weighed(NamedTuple):
    """What importance weights w_1 … w_K of one example say.

    An example that the net has no probability for (grey values in a net of bits) has `log_mean` and `mean_log` -inf,
    NaN where it holds a NaN, and `ess` and `error` NaN.
    """

    log_mean: Float[Array, ""]
    """log (1/K Σ w), nats: for weights with mean p(x) a stochastic lower bound of log p(x), tighter with K."""
    mean_log: Float[Array, ""]
    """The mean of log w: the evidence lower bound, estimated."""
    ess: Float[Array, ""]
    """Effective sample size (Σ w)² / Σ w², from 1 to K."""
    error: Float[Array, ""]
    """Standard error of `log_mean` to first order: √(1/ess - 1/K). Small only if the weights that matter were drawn."""


def summarised(log_weights: Float[Array, " samples"]) -> Weighed:
    """All weights at hand."""
    total, squares = logsumexp(log_weights, 0), logsumexp(2 * log_weights, 0)
    return _weighed(total, squares, jnp.sum(log_weights), log_weights.shape[0])


def log_weight(net: Net, data: Float[Array, "*units"], *, key: Key) -> Float[Array, ""]:
    """log p(x, h) - log q(h | x) of one upward pass. A top of classes is summed out in both, which costs one more step
    of the last layer and leaves less variance.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    """
    return continued_log_weight(net, (data,), key=key)


def continued_log_weight(net: Net, lower: States, *, key: Key) -> Float[Array, ""]:
    """As `log_weight`, of an upward pass whose lowest layers are given: log p(lower, h) - log q(h | lower) with h the
    layers above these.

    **Arguments:**

    - `net`: the pair of networks.
    - `lower`: values of the layers from the data upward, at least one and not the top.

    **Returns:** nats; the mean of its exponential is p(lower).
    """
    states = net.recognise_on(lower, key=key)
    q = net.log_q_terms(states)[len(lower) - 1 :]
    if isinstance(net.units[-1], OneHot) and net.depth > 1:
        return logsumexp(class_log_joint(net, states), 0) - jnp.sum(q[:-1])
    return net.log_p(states) - jnp.sum(q)


def class_log_joint(net: Net, states: States) -> Float[Array, " classes"]:
    """log p(x⁰, …, x^{n-1}, y) for every class y of the top of `net`, whatever class stands in `states`."""
    classes = jnp.eye(net.units[-1].shape[0], dtype=net.prior.dtype)

    def given(y: Float[Array, " classes"]) -> Float[Array, ""]:
        return jnp.sum(jnp.stack([net.log_p_term(k, (*states[:-1], y)) for k in net.with_top]))

    found = jax.vmap(given)(classes) + jax.nn.log_softmax(net.prior)
    rest = [net.log_p_term(k, states) for k in range(net.depth) if k not in net.with_top]
    return found + jnp.sum(jnp.stack(rest)) if rest else found


def importance_log_likelihood(
    net: Net, data: Float[Array, "*units"], *, samples: int, chunk: int = 1000, key: Key
) -> Weighed:
    """log p(x) of one example by K = `samples` importance samples from q (notes, section 3.5).

    Drawn `chunk` at a time with running sums, so that storage does not grow with `samples`. O(samples · weights).

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `samples`: K.
    - `chunk`: samples drawn at a time, at most; it changes only storage.

    **Raises:** `ValueError` for fewer than 1 sample or chunk, and for concrete data that are not values of layer 0.
    """
    _at_least_one("importance_log_likelihood", samples=samples, chunk=chunk)
    require_values(net, data, "importance_log_likelihood")
    chunk = min(chunk, samples)
    whole, rest = divmod(samples, chunk)

    def some(count: int, key: Key) -> tuple[Array, Array, Array]:
        drawn = jax.vmap(lambda k: log_weight(net, data, key=k))(jax.random.split(key, count))
        return logsumexp(drawn, 0), logsumexp(2 * drawn, 0), jnp.sum(drawn)

    def add(sums: tuple, key: Key) -> tuple[tuple, None]:
        total, squares, logs = sums
        more = some(chunk, key)
        return (log_add(total, more[0]), log_add(squares, more[1]), logs + more[2]), None

    keys = jax.random.split(key, whole + 1)
    nothing = jnp.full((), -jnp.inf, data.dtype)
    (total, squares, logs), _ = jax.lax.scan(add, (nothing, nothing, jnp.zeros((), data.dtype)), keys[:whole])
    if rest:
        more = some(rest, keys[whole])
        total, squares, logs = log_add(total, more[0]), log_add(squares, more[1]), logs + more[2]
    return of_data(net, data, _weighed(total, squares, logs, samples))


def of_data(net: Net, data: Float[Array, "*units"], found: Weighed) -> Weighed:
    """The weights `found` for an example, with the status of one that is no value of layer 0.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `found`: made of the weights of its samples.
    """
    log_mean, mean_log = (log_or_impossible(net, data, log) for log in (found.log_mean, found.mean_log))
    ess, error = (jnp.where(admitted(net, data), x, jnp.nan) for x in (found.ess, found.error))
    return Weighed(log_mean, mean_log, ess, error)


def class_log_likelihoods(
    net: Net, data: Float[Array, "*units"], *, samples: int, key: Key
) -> Float[Array, " classes"]:
    """log p(x, y) of one example for every class y, by the same `samples` draws of the layers below the classes: their
    softmax is the generative network's own posterior.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `samples`: how many draws.

    **Raises:** `ValueError` for fewer than 1 sample, and for concrete data that are not values of layer 0.
    """
    _at_least_one("class_log_likelihoods", samples=samples)
    require_values(net, data, "class_log_likelihoods")

    def once(key: Key) -> Float[Array, " classes"]:
        states = net.recognise(data, key=key)
        return class_log_joint(net, states) - jnp.sum(net.log_q_terms(states)[:-1])

    each = batched_map(once, jax.random.split(key, samples), at_most=1000)
    return log_or_impossible(net, data, logsumexp(each, 0) - jnp.log(jnp.asarray(samples, each.dtype)))


def gaps(net: Net, data: Float[Array, "*units"], *, samples: int, key: Key) -> Float[Array, " layers"]:
    """KL(q(h | x) ‖ p(h | x)) of one example by layer, estimated, nats: see `exact_gaps`.

    E_q[log q(x^k | x⁰ … x^{k-1}) - log p(x^k | x⁰ … x^{k-1})], from one upward pass, with log p(x⁰ … x^k) by `samples`
    importance samples from there up. Noisy for one example; take the mean over many. What these estimates lack moves
    from one layer to the next, the sum only lacks what that of the data does. NaN for data that are not values of
    layer 0; concrete ones raise.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `samples`: importance samples for each layer.
    """
    _at_least_one("gaps", samples=samples)
    require_values(net, data, "gaps")
    key_pass, key_rest = jax.random.split(key)
    states = net.recognise(data, key=key_pass)
    margins = []
    for k in range(net.depth):
        keys = jax.random.split(jax.random.fold_in(key_rest, k), samples)
        lower = states[: k + 1]
        each = batched_map(lambda key, lower=lower: continued_log_weight(net, lower, key=key), keys, at_most=1000)
        margins.append(summarised(each).log_mean)
    whole = jnp.stack([*margins, net.log_p(states)])
    return jnp.where(admitted(net, data), net.log_q_terms(states) - jnp.diff(whole), jnp.nan)


def half_bound(net: Net, data: Float[Array, "*units"], *, samples: int, key: Key) -> Float[Array, ""]:
    """2 log (1/K Σ √(p(x, h) / q(h | x))): log p*(x) + log Z² of the bidirectional model, from below; one example.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `samples`: K.
    """
    _at_least_one("half_bound", samples=samples)
    require_values(net, data, "half_bound")

    def once(key: Key) -> Array:
        states = net.recognise(data, key=key)
        return 0.5 * (net.log_p(states) - net.log_q(states))

    each = batched_map(once, jax.random.split(key, samples), at_most=1000)
    return log_or_impossible(net, data, 2 * (logsumexp(each, 0) - jnp.log(jnp.asarray(samples, each.dtype))))


def estimated_log_z_squared(net: Net, *, samples: int, chunk: int = 1000, key: Key) -> Weighed:
    """log Z² = log E √(q(h|x) p(x,h') / (p(x,h) q(h'|x))) over x, h ~ p and h' ~ q(·|x) (Bornschein et al. 2016;
    notes, section 3.5). At most 0; 0 where p and q agree.

    **Arguments:**

    - `net`: the pair of networks.
    - `samples`: how many draws.
    - `chunk`: draws at a time; it changes only storage.

    **Raises:** `ValueError` for fewer than 1 sample.
    """
    _at_least_one("estimated_log_z_squared", samples=samples, chunk=chunk)

    def once(key: Key) -> Array:
        key_p, key_q = jax.random.split(key)
        states = net.generate(key=key_p)
        other = net.recognise(states[0], key=key_q)
        return 0.5 * (net.log_q(states) + net.log_p(other) - net.log_p(states) - net.log_q(other))

    return summarised(batched_map(once, jax.random.split(key, samples), at_most=chunk))


def _weighed(total: Array, squares: Array, logs: Array, samples: int) -> Weighed:
    count = jnp.asarray(samples, total.dtype)
    ess = jnp.exp(2 * total - squares)
    error = jnp.sqrt(jnp.maximum(1 / ess - 1 / count, 0.0))
    return Weighed(total - jnp.log(count), logs / count, ess, error)


def _at_least_one(where: str, **counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{where}: {name} must be at least 1, got {count}")
