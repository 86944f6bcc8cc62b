"""Recognition from a part of the data: what is missing, and which class it is, by importance sampling."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.domain import log_or_impossible, require_values
from vestige.models.tied.likelihood import class_log_joint
from vestige.models.tied.net import Net, States
from vestige.models.tied.queries import reconstructed
from vestige.models.tied.recognition import AbstractRecognition
from vestige.models.tied.units import OneHot
from vestige.numerics import batched_map, logsumexp
from vestige.typing import Key

PASSES = 5
"""Passes up and down by which missing values are guessed before anything is drawn."""
AT_ONCE = 1000


class Filled(NamedTuple):
    """What is missing of one example, given what is there."""

    mean: Float[Array, " size"]
    """E[missing | known]; the data themselves where they are known."""
    draws: Float[Array, "draws size"]
    """From p(missing | known), by resampling."""
    log_p: Float[Array, ""]
    """log p(known), nats, from below in the mean."""
    ess: Float[Array, ""]
    """Effective sample size, from 1 to the number of samples."""


class _Weighed(NamedTuple):
    """Draws of the hidden layers, given what is known."""

    log_weights: Float[Array, " samples"]
    logits: Float[Array, "samples ..."]
    """Of the data, given the hidden layers."""


def guessed(net: Net, data: Float[Array, " size"], *, passes: int = PASSES) -> Float[Array, " size"]:
    """The data with means in place of what is missing, by passes of means up and down: no sample, and not exact.

    **Arguments:**

    - `net`: the pair of networks, its lowest layer `Visible`.
    - `data`: one example, NaN where missing.
    - `passes`: how many.
    """
    found = data
    for _ in range(passes):
        found = jnp.where(jnp.isnan(data), net.units[0].mean(reconstructed(net, found)), data)
    return found


def filled(net: Net, data: Float[Array, " size"], *, samples: int, draws: int = 0, key: Key) -> Filled:
    """E[missing | known], draws of it and log p(known), under the generation network.

    Hidden layers are drawn by recognition of `guessed` data and weighed by p(known, h) / q(h | guessed), missing values
    integrated out: consistent whatever the guess, with a bias of order 1 / ess. O(samples · weights).

    **Arguments:**

    - `net`: the pair of networks, its lowest layer `Visible`.
    - `data`: one example, NaN where missing.
    - `samples`: how many draws are weighed.
    - `draws`: how many completed examples are returned.

    **Raises:** `ValueError` for fewer than 1 sample, and for concrete data that are not values of layer 0.
    """
    if samples < 1 or draws < 0:
        raise ValueError(f"filled: samples must be at least 1 and draws 0, got {samples} and {draws}")
    require_values(net, data, "filled")
    key_hidden, key_choice, key_draws = jax.random.split(key, 3)
    found = _weighed(net, data, samples, key=key_hidden)
    shares = jax.nn.softmax(found.log_weights)
    missing = jnp.isnan(data)
    mean = jnp.tensordot(shares, jax.vmap(net.units[0].mean)(found.logits), 1)
    chosen = found.logits[jax.random.categorical(key_choice, found.log_weights, shape=(draws,))]
    drawn = jax.vmap(lambda a, k: net.units[0].sample(a, key=k))(chosen, jax.random.split(key_draws, draws))
    log_p = logsumexp(found.log_weights, 0) - jnp.log(jnp.asarray(samples, data.dtype))
    return Filled(
        jnp.where(missing, mean, data),
        jnp.where(missing, drawn, data),
        log_or_impossible(net, data, log_p),
        1 / jnp.sum(jnp.square(shares)),
    )


def recognised_in_part(
    net: Net, recognition: AbstractRecognition, data: Float[Array, " size"], *, samples: int, key: Key
) -> Float[Array, " classes"]:
    """E[q(y | x) | known]: the probabilities of classes by `recognition`, over what may be missing.

    Missing values are drawn from p(missing | known) as in `filled`. Where nothing is missing these are the
    probabilities of `recognition`.

    **Arguments:**

    - `net`: the pair of networks, classes on top and `Visible` data below.
    - `recognition`: of whole data.
    - `data`: one example, NaN where missing.
    - `samples`: how many draws are weighed.

    **Raises:** as `filled`.
    """
    if samples < 1:
        raise ValueError(f"recognised_in_part: samples must be at least 1, got {samples}")
    require_values(net, data, "recognised_in_part")
    key_hidden, key_rest = jax.random.split(key)
    found = _weighed(net, data, samples, key=key_hidden)

    def once(row: tuple[Array, Key]) -> Array:
        logits, key = row
        key_fill, key_up = jax.random.split(key)
        drawn = net.units[0].sample(logits, key=key_fill)
        whole = jnp.where(jnp.isnan(data), drawn, data)
        return jax.nn.softmax(recognition.log_top(net, whole, key=key_up))

    each = batched_map(once, (found.logits, jax.random.split(key_rest, samples)), at_most=AT_ONCE)
    return jnp.tensordot(jax.nn.softmax(found.log_weights), each, 1)


def _weighed(net: Net, data: Float[Array, " size"], samples: int, *, key: Key) -> _Weighed:
    guess = guessed(net, data)

    def once(key: Key) -> tuple[Array, Array]:
        states = net.recognise(guess, key=key)
        return _log_weight(net, data, states), net.data_logits(states)

    return _Weighed(*batched_map(once, jax.random.split(key, samples), at_most=AT_ONCE))


def _log_weight(net: Net, data: Float[Array, " size"], states: States) -> Float[Array, ""]:
    """log p(known, h) - log q(h | guessed), classes on top summed out in both where the data do not depend on them."""
    whole, q = (data, *states[1:]), net.log_q_terms(states)
    if isinstance(net.units[-1], OneHot) and net.depth > 1 and 0 not in net.with_top:
        return logsumexp(class_log_joint(net, whole), 0) - jnp.sum(q[:-1])
    return net.log_p(whole) - jnp.sum(q)
