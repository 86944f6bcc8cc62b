"""How good a pair is at data, and at their classes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.models.tied import (
    Net,
    PlainForward,
    class_log_likelihoods,
    importance_log_likelihood,
    reliability,
    round_trip,
)
from vestige.numerics import batched_map
from vestige.tasks.tied.recognitions import RECOGNITIONS
from vestige.typing import Key

ROUND_TRIPS = 500
AT_ONCE = 50  # rows whose importance samples are drawn together
CLASS_SAMPLES = 200


def of_data(net: Net, rows: Float[Array, "rows *units"], *, samples: int, key: Key) -> dict[str, Array]:
    """Of data: `nll` and `ess` by importance sampling, `negative_elbo`, `consistency_gap`.

    **Arguments:**

    - `net`: trained.
    - `rows`: held out.
    - `samples`: importance samples of each.
    """

    def one(row: tuple[Array, Key]) -> tuple[Array, Array, Array]:
        data, key = row
        found = importance_log_likelihood(net, data, samples=samples, chunk=min(samples, 200), key=key)
        states = net.recognise(data, key=jax.random.fold_in(key, 1))
        return found.log_mean, found.ess, net.log_p(states) - net.log_q(states)

    keys = jax.random.split(key, rows.shape[0])
    log_p, ess, bound = batched_map(one, (rows, keys), at_most=AT_ONCE)
    nll, lower = -jnp.mean(log_p), -jnp.mean(bound)
    return {"nll": nll, "ess": jnp.mean(ess), "negative_elbo": lower, "consistency_gap": lower - nll}


def of_classes(
    net: Net, rows: Float[Array, "rows *units"], labels: Int[Array, " rows"], *, samples: int, key: Key
) -> dict[str, Array]:
    """Of classes on top: `error` and `ece` by each of `RECOGNITIONS`, `error_generative` and `round_trip`.

    **Arguments:**

    - `net`: trained, classes on top.
    - `rows`, `labels`: held out, with the numbers of their classes.
    - `samples`: importance samples of each.
    """
    metrics = {}
    for place, (name, recognition) in enumerate(RECOGNITIONS.items()):
        keys = jax.random.split(jax.random.fold_in(key, place), rows.shape[0])
        logits = jax.vmap(lambda x, k, r=recognition: r.log_top(net, x, key=k))(rows, keys)
        ending = "" if name == "ap1" else f"_{name}"
        metrics[f"error{ending}"] = jnp.mean(jnp.argmax(logits, axis=1) != labels)
        metrics[f"ece{ending}"] = reliability(jax.nn.softmax(logits, axis=1), labels).ece
    keys = jax.random.split(jax.random.fold_in(key, 3), rows.shape[0])

    def decided(row: tuple[Array, Key]) -> Array:
        return jnp.argmax(class_log_likelihoods(net, row[0], samples=min(samples, CLASS_SAMPLES), key=row[1]))

    found = batched_map(decided, (rows, keys), at_most=AT_ONCE)
    metrics["error_generative"] = jnp.mean(found != labels)
    trips = jax.random.split(jax.random.fold_in(key, 4), ROUND_TRIPS)
    asked = jnp.arange(ROUND_TRIPS) % net.units[-1].size
    came = jax.vmap(lambda label, k: round_trip(net, PlainForward(), label, key=k))(asked, trips)
    metrics["round_trip"] = jnp.mean(came)
    return metrics
