"""One step of a filter on recordings as a function of arrays: what is expected, what comes, the state after it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vestige.tasks.filtering.featurizers import WithChanges
from vestige.tasks.filtering.scaling import Scaling
from vestige.tasks.filtering.step_reader import StepReader, read_steps
from vestige.tasks.programs import Program


def step_program(reader: StepReader, scaling: Scaling, channels: tuple[str, ...]) -> Program:
    """The program of one step.

    **Arguments:**

    - `reader`: the trained model.
    - `scaling`: of its training.
    - `channels`: the names of the channels.

    **Returns:** a program whose state is its last inputs and outputs; any arrays of their shapes begin, since `reset`
    starts anew.
    """
    start = jax.tree.map(jnp.asarray, reader.start())
    leaves, form = jax.tree.flatten(start)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree.leaves_with_path(start)]

    def step(features: Array, reset: Array, number: Array, *state: Array) -> tuple[Array, ...]:
        carried = jax.tree.unflatten(form, state)
        carried, read = read_steps(reader, carried, features[None], reset[None], number)
        return read.mean[0], read.surprise[0], *jax.tree.leaves(carried)

    count = len(channels)
    seen = np.linspace(-1.0, 1.0, count * scaling.featurizer.per_channel, dtype=np.float32)
    kept = {f"state.{name}": "the state, as the step before returned it; zeros where reset is true" for name in names}
    return Program(
        "step",
        step,
        "One step of a recording: its values are predicted before they are seen.",
        {
            "features": _features(scaling, channels),
            "reset": "whether a recording begins here: true at the first step",
            "number": "of the step, counted from 0: it numbers the random draws of models that make any",
            **kept,
        },
        {
            "mean": f"the expected y of this step, before it is seen: {', '.join(channels)}; value = mean + scale * y",
            "surprise": "-log q(y_t | x_t-1) in nats of the features as they are seen; means nothing where missing",
            **dict.fromkeys(kept, "the state after the step"),
        },
        (seen, np.asarray(True), np.asarray(0, np.uint32), *map(np.asarray, leaves)),
    )


def _features(scaling: Scaling, channels: tuple[str, ...]) -> str:
    """How the features of a step are made of the values of a table."""
    said = f"y = (value - mean) / scale of {', '.join(channels)}, computed in float64"
    if isinstance(scaling.featurizer, WithChanges):
        said += "; after them (y - y of the step before - changes.mean) / changes.scale, 0 where that is not known"
    return f"{said}; NaN in all where the step is missing"
