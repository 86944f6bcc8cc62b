"""From a batch to what a rule of this room works on, and back to an update of the pair."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.tied import Net, States, TiedPair, times
from vestige.rules.contract import Step, check_unmasked
from vestige.rules.tied.proposals import AbstractProposal
from vestige.typing import Batch, Key, Metrics


class Rows(NamedTuple):
    """The data of a batch, rows first."""

    data: Float[Array, "rows *units"]
    top: Float[Array, "rows *units"]
    """What is known of the top layer: a label as an indicator, anything where there is none."""
    known: Bool[Array, " rows"]
    """Whether it is known."""


class Draws(NamedTuple):
    """Samples of all layers for each row, rows and samples first."""

    states: States
    log_p: Float[Array, "rows samples"]
    log_q: Float[Array, "rows samples"]
    """Of what was drawn: a label that was given counts as certain."""

    @property
    def log_weights(self) -> Float[Array, "rows samples"]:
        """log p(x, h) - log q(h | x), with p(x, h, y) where the label y is known."""
        return self.log_p - self.log_q


def rows_of(net: Net, batch: Batch) -> Rows:
    """The rows of a batch.

    **Arguments:**

    - `net`: whose layers say what shapes are expected.
    - `batch`: `batch.inputs` are data; `batch.targets`, if any, indicators of the class, zeros where it is not known.

    **Raises:** `ValueError` where shapes are not those of the layers, and where there is a mask.
    """
    check_unmasked("batch", batch)
    data, targets = batch.inputs, batch.targets
    if data.shape[1:] != net.units[0].shape:
        raise ValueError(
            f"batch: inputs must have rows of shape {net.units[0].shape}, as layer 0 has, got {data.shape[1:]}"
        )
    if targets is None:
        return Rows(data, jnp.zeros((len(data), *net.units[-1].shape), data.dtype), jnp.zeros(len(data), bool))
    if targets.shape != (len(data), *net.units[-1].shape):
        raise ValueError(
            f"batch: targets must be indicators of shape {(len(data), *net.units[-1].shape)}, as the top layer has, "
            f"got {targets.shape}"
        )
    return Rows(data, targets, jnp.sum(targets.reshape(len(data), -1), axis=1) > 0)


def drawn(net: Net, proposal: AbstractProposal, rows: Rows, samples: int, *, key: Key) -> Draws:
    """Draw the hidden layers of each row.

    **Arguments:**

    - `net`, `proposal`: what draws them.
    - `rows`: data and labels.
    - `samples`: draws for each row, which share the data, not the noise.

    **Returns:** states and log-probabilities, with leading axes (rows, samples).
    """

    def one(data: Array, top: Array, known: Array, key: Key) -> tuple[States, Array, Array]:
        states, log_q = proposal(net, data, top, known, key=key)
        return states, net.log_p(states), log_q

    count = rows.data.shape[0]
    keys = jax.vmap(lambda row: jax.random.split(jax.random.fold_in(key, row), samples))(jnp.arange(count))
    many = jax.vmap(one, in_axes=(None, None, None, 0))
    return Draws(*jax.vmap(many)(rows.data, rows.top, rows.known, keys))


def model_samples(net: Net, rows: Rows, *, key: Key) -> States:
    """Draws of all layers from the generation network, one for each row, which lack the values that the row lacks: so
    recognition meets what it will have to do with.

    **Arguments:**

    - `net`: the pair of networks.
    - `rows`: NaN where a value is missing.
    """
    drawn = jax.vmap(lambda k: net.generate(key=k))(jax.random.split(key, rows.data.shape[0]))
    return (jnp.where(jnp.isnan(rows.data), jnp.nan, drawn[0]), *drawn[1:])


def flat(states: States) -> States:
    """Rows and samples as one axis."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), states)


def stepped(pair: TiedPair, change: Net, rows: int, carry, metrics: Metrics) -> Step:
    """The step for a sum of ascent directions over rows: its mean, as a descent direction of the pair.

    **Arguments:**

    - `pair`: the model.
    - `change`: the sum, shaped like its net.
    - `rows`: how many.
    - `carry`, `metrics`: of the step.
    """
    return Step(pair.pull(times(-1.0 / rows, change)), carry, metrics)


def elbo_metrics(draws: Draws) -> Metrics:
    """`negative_elbo`: minus the mean of log p - log q, nats per row, which estimates the evidence lower bound."""
    return {"negative_elbo": -jnp.mean(draws.log_weights)}
