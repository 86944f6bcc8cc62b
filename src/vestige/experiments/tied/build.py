"""From the options of a tied experiment to what a run needs."""

import itertools

import jax
import jax.numpy as jnp

from vestige.experiments.contract import Built
from vestige.experiments.tied.layers import Filters, parsed
from vestige.experiments.tied.options import ENUMERABLE, Tied
from vestige.experiments.tied.rules import Exact
from vestige.models.tied import (
    AbstractConnection,
    AbstractUnits,
    Bits,
    Convolution,
    Dense,
    OneHot,
    OnVector,
    tied_pair,
)
from vestige.tasks.tied import LabelledImages, Patterns


def build(options: Tied, *, seed: int) -> Built:
    """Pair, task, rule and optimiser. **Raises:** `ValueError` where there is too much to enumerate."""
    return assemble(options, options.data.build(samples=options.samples), seed=seed)


def rehearse(options: Tied, *, seed: int) -> Built:
    """The same, with noise in place of images that are missing."""
    noise = jax.random.key(seed)
    return assemble(options, options.data.rehearse(samples=options.samples, key=noise), seed=seed)


def assemble(options: Tied, task: LabelledImages | Patterns, *, seed: int) -> Built:
    """What `options` ask for, on a task that is already there."""
    if isinstance(options.rule, Exact) and options.hidden > ENUMERABLE:
        raise ValueError(
            f"rule exact sums over all hidden states: at most {ENUMERABLE} hidden bits, got layers "
            f"{options.layers}; use rule rws"
        )
    key_model, key_run = jax.random.split(jax.random.key(seed))
    data = task.patterns if isinstance(task, Patterns) else task.train
    units: list[AbstractUnits] = [Bits(*data.shape[1:]), *(Bits(*shape) for shape in options.shapes)]
    prior = None
    if isinstance(task, LabelledImages) and task.train_labels is not None:
        classes = task.train_labels.shape[1]
        units.append(OneHot(classes))
        counts = jnp.sum(task.train_labels, axis=0)
        prior = jnp.log((counts + 1) / (jnp.sum(counts) + classes))
    model = tied_pair(
        units,
        ups=joined(options, units),
        tie=options.tie.build(),
        scale=options.scale,
        data_mean=jnp.mean(data, axis=0),
        prior=prior,
        key=key_model,
    )
    return Built(model, task, options.rule.build(), options.optimiser.build(options.steps), key_run)


def joined(options: Tied, units: list[AbstractUnits]) -> list[AbstractConnection]:
    """What joins neighbouring layers, from the data upward; the data are images written as vectors.

    **Raises** `ValueError` for filters that cannot be transposed.
    """
    below, found = (1, options.data.side, options.data.side), []
    layers = itertools.zip_longest(parsed(options.layers), itertools.pairwise(units))  # on top there may be classes
    for layer, (lower, upper) in layers:
        if isinstance(layer, Filters):
            filters = Convolution(below, layer.number, layer.side, layer.stride, layer.padding)
            found.append(filters if found else OnVector(filters))
        else:
            found.append(Dense(lower.shape, upper.shape))
        below = upper.shape
    return found
