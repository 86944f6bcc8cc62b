"""What a person wants to see of a trained pair: final metrics, and pictures."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vestige.models.tied import (
    Net,
    OneHot,
    TiedPair,
    chain_end,
    estimated_log_z_squared,
    exact_limiting,
    exact_log_likelihood,
    few_pairs,
    gaps,
    generated,
    half_log_likelihood,
    importance_log_likelihood,
    inpainted,
    reconstructed,
    reliability,
)
from vestige.numerics import batched_map
from vestige.tasks.contract import Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.tied.recognitions import RECOGNITIONS
from vestige.typing import Key

FINAL = 10  # times as many importance samples as while training
SHOWN = 10  # pictures in a row
GAP_ROWS = 100  # images behind the gaps by layer
DRAWS = 20_000  # behind log Z²
FILTERS = 40
CHAINS, ROUNDS = 200, 50
"""Of the chain up and down, from which its drift is estimated."""


def of_patterns(task: Any, model: TiedPair, *, key: Key) -> Evaluation:
    """Of a few patterns, `Patterns`: exact metrics, what `p*` makes of them, and pictures.

    **Arguments:**

    - `task`: `Patterns`.
    - `model`: trained.
    """
    key_z, key_pictures = jax.random.split(key)
    found = evaluate(task, model, len(task.patterns), key=key)
    metrics = scalars(found)
    net = model.resolve()
    log_z2 = estimated_log_z_squared(net, samples=DRAWS, key=key_z)
    halves = jax.lax.map(lambda x: half_log_likelihood(net, x), task.patterns)
    key_chains = jax.random.fold_in(key_z, 1)
    if few_pairs(net):
        limiting = exact_limiting(net)
        metrics["limiting_kl"] = float(limiting.divergence)
        metrics["limiting_nll"] = float(-jnp.mean(exact_log_likelihood(net, task.patterns, limiting.log_top)))
        _, ends = _chains(net, CHAINS, ROUNDS, key=key_chains)
    else:
        metrics["limiting_drift"], ends = limiting_drift(net, samples=CHAINS, key=key_chains)
    metrics["log_z2"] = float(log_z2.log_mean)
    metrics["nll_star"] = float(-jnp.mean(halves)) + metrics["log_z2"]
    side, _ = task.image
    known = jnp.arange(side * side) < side * (side // 2)
    arrays = _pictures(net, task.patterns[:SHOWN], known, (side, side), key=key_pictures)
    arrays["gap_by_layer"] = np.asarray(found["gap_by_layer"])
    draws = jax.vmap(lambda k: net.generate(key=k)[0])(jax.random.split(key_z, SHOWN))
    arrays["class_samples"] = np.asarray(draws).reshape(1, SHOWN, side, side)
    arrays["limiting_samples"] = np.asarray(ends[:SHOWN]).reshape(SHOWN, side, side)
    return Evaluation(metrics, {}, task.bounds(metrics), arrays)


def of_images(task: Any, model: TiedPair, *, key: Key) -> Evaluation:
    """Of `LabelledImages`: metrics on all held-out images, with ten times the samples of `task`, and pictures.

    **Arguments:**

    - `task`: `LabelledImages`.
    - `model`: trained.
    """
    key_metrics, key_gaps, key_pictures = jax.random.split(key, 3)
    closer = dataclasses.replace(task, samples=FINAL * task.samples)
    metrics = scalars(evaluate(closer, model, len(task.test), key=key_metrics))
    net = model.resolve()
    rows = task.test[:GAP_ROWS]
    keys = jax.random.split(key_gaps, len(rows))
    closely = FINAL * task.samples
    by_layer = batched_map(lambda row: gaps(net, row[0], samples=closely, key=row[1]), (rows, keys), at_most=20)
    height, width = task.image
    arrays = _pictures(net, task.test[:SHOWN], task.upper_half(), task.image, key=key_pictures)
    arrays["gap_by_layer"] = np.asarray(jnp.mean(by_layer, axis=0))
    metrics["limiting_drift"], ends = limiting_drift(net, samples=closely, key=jax.random.fold_in(key_pictures, 1))
    arrays["limiting_samples"] = np.asarray(ends[:SHOWN]).reshape(-1, height, width)
    if isinstance(net.units[-1], OneHot):
        arrays |= _reliabilities(task, net, key=key_gaps)
        classes = net.units[-1].size
        tops = jnp.repeat(jnp.eye(classes, dtype=net.prior.dtype), SHOWN, axis=0)
        drawn = jax.vmap(lambda t, k: generated(net, t, key=k))(tops, jax.random.split(key_pictures, len(tops)))
        arrays["class_samples"] = np.asarray(drawn).reshape(classes, SHOWN, height, width)
    else:
        keys = jax.random.split(key_pictures, 2 * SHOWN)
        drawn = jax.vmap(lambda k: net.units[0].mean(net.data_logits(net.generate(key=k))))(keys)
        arrays["class_samples"] = np.asarray(drawn).reshape(2, SHOWN, height, width)
    return Evaluation(metrics, {}, task.bounds(metrics), arrays)


@eqx.filter_jit
def _chains(net: Net, count: int, rounds: int, *, key: Key) -> tuple[Array, Array]:
    """Data drawn from the generation network, and where their chains end."""

    def one(key: Key) -> tuple[Array, Array]:
        key_start, key_chain = jax.random.split(key)
        start = net.generate(key=key_start)[0]
        return start, chain_end(net, start, rounds=rounds, key=key_chain)

    return jax.vmap(one)(jax.random.split(key, count))


def limiting_drift(net: Net, *, samples: int, key: Key) -> tuple[float, Array]:
    """How much less likely data become that go up and down for 50 rounds, starting from data of the model itself.

    **Arguments:**

    - `net`: the pair of networks.
    - `samples`: importance samples behind each likelihood.

    **Returns:** the mean of -log p after the rounds less that before, over 200 chains, nats: 0 where the two directions
    are one joint model, negative where the chain goes where the model is densest; and the data at the end.
    """
    key_chains, key_weights = jax.random.split(key)
    start, end = _chains(net, CHAINS, ROUNDS, key=key_chains)

    def nll(row: tuple[Array, Key]) -> Array:
        return -importance_log_likelihood(net, row[0], samples=samples, chunk=min(samples, 200), key=row[1]).log_mean

    rows, keys = jnp.concatenate([start, end]), jax.random.split(key_weights, 2 * CHAINS)
    found = np.asarray(batched_map(nll, (rows, keys), at_most=20), np.float64)
    return float(found[CHAINS:].mean() - found[:CHAINS].mean()), end


def _reliabilities(task: Any, net: Net, *, key: Key) -> dict[str, np.ndarray]:
    found = {}
    keys = jax.random.split(key, len(task.test))
    for name, recognition in RECOGNITIONS.items():
        logits = jax.lax.map(
            lambda row, r=recognition: r.log_top(net, row[0], key=row[1]), (task.test, keys), batch_size=100
        )
        found[f"reliability_{name}"] = np.stack(reliability(jax.nn.softmax(logits, axis=1), task.test_labels))
    return found


def _pictures(net: Net, shown: Array, known: Array, image: tuple[int, int], *, key: Key) -> dict[str, np.ndarray]:
    """Data, what an up-down pass makes of them, their lower halves completed, and the first weights."""
    again = jax.vmap(lambda x: jax.nn.sigmoid(reconstructed(net, x)))(shown)
    keys = jax.random.split(key, len(shown))
    filled = jax.vmap(lambda x, k: inpainted(net, x, known, sweeps=100, key=k))(shown, keys)
    filters = first_weights(np.asarray(net.generation[0]), image)
    return {
        "shown": np.asarray(shown).reshape(-1, *image),
        "reconstructed": np.asarray(again).reshape(-1, *image),
        "given_half": np.where(np.asarray(known), np.asarray(shown), 0.5).reshape(-1, *image),
        "inpainted": np.asarray(filled).reshape(-1, *image),
        "filters": filters,
    }


def first_weights(kernel: np.ndarray, image: tuple[int, int]) -> np.ndarray:
    """The strongest of the first weights as grey pictures: of whole images, or of what a filter looks at.

    **Arguments:**

    - `kernel`: of the lowest connection.
    - `image`: height and width of the data.
    """
    weights = kernel.T.reshape(-1, *image) if kernel.ndim == 2 else kernel[:, 0]
    strongest = np.argsort(-np.square(weights).sum(axis=(1, 2)))[:FILTERS]
    return 0.5 + 0.5 * weights[strongest] / max(np.abs(weights[strongest]).max(), 1e-12)
