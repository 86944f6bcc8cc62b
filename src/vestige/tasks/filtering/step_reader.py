"""A filter that reads steps a chunk at a time, its state carried, and predicts each before it sees it."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt

from vestige.numerics import batched_map
from vestige.tasks.filtering.featurizers import AbstractFeaturizer
from vestige.tasks.filtering.readout import Readout
from vestige.tasks.filtering.unrolling import Filters
from vestige.typing import Key

TOGETHER = 256
"""Steps whose predictions are computed at once."""


class Carried(NamedTuple):
    """What is kept between two steps."""

    state: Any
    last: Float[Array, " features"]
    """Of the last step that was seen; zeros before any."""
    begun: Bool[Array, ""]


class ReadSteps(NamedTuple):
    """What is said of each step before it is seen, and how surprising it is then. In units of the training."""

    mean: Float[Array, "time p"]
    last: Float[Array, "time p"]
    linear: Float[Array, "time p"]
    begun: Bool[Array, " time"]
    surprise: Float[Array, " time"]
    """Means nothing where a step is missing."""


class StepReader(eqx.Module):
    """A model, and what is needed to read its predictions.

    - `model`: a filter.
    - `featurizer`: what it sees of a frame.
    - `linear`: the linear regression from what is seen at a step to the next frame.
    - `key`: for models that sample; step n uses `fold_in(key, n)`, in whatever chunk it is.
    """

    model: Filters
    featurizer: AbstractFeaturizer
    linear: Readout
    key: Key

    def start(self) -> Carried:
        """What is carried before the first step."""
        return Carried(self.model.init(), jnp.zeros_like(self.linear.centre), jnp.zeros((), bool))


@eqx.filter_jit
def read_steps(
    reader: StepReader,
    carried: Carried,
    features: Float[Array, "time features"],
    resets: Bool[Array, " time"],
    start: UInt[Array, ""],
) -> tuple[Carried, ReadSteps]:
    """Read a chunk of steps. One scan for the states, then all predictions, 256 at a time.

    **Arguments:**

    - `reader`: the model.
    - `carried`: from the chunk before, or `StepReader.start`.
    - `features`: (time, features) float32, what the model sees; NaN where a step is missing. Steps that are missing at
      the end change nothing.
    - `resets`: (time,), where the state starts anew before the step.
    - `start`: the number of the first step, uint32.

    **Returns:** what is carried on, and what is said of each step.
    """
    model, fresh = reader.model, reader.start()

    def step(carried: Carried, item: tuple[Array, Array]) -> tuple[Carried, Carried]:
        seen, reset = item
        before: Carried = jax.tree.map(lambda new, old: jnp.where(reset, new, old).astype(old.dtype), fresh, carried)
        there = jnp.all(jnp.isfinite(seen))
        after = model.filter(before.state, seen)
        return Carried(after, jnp.where(there, seen, before.last), before.begun | there), before

    def said(row: tuple[Carried, Array, Array]) -> ReadSteps:
        before, seen, number = row
        key = jax.random.fold_in(reader.key, number)
        last = reader.featurizer.bare(before.last[None])
        predicted = reader.featurizer.next_frame(last, model.predict(before.state, key=key)[None])
        surprise = -model.log_predictive(before.state, jnp.nan_to_num(seen), key=key)
        return ReadSteps(predicted[0], last[0], reader.linear(before.last[None])[0], before.begun, surprise)

    carried, before = jax.lax.scan(step, carried, (features, resets))
    numbers = start + jnp.arange(features.shape[0], dtype=jnp.uint32)
    return carried, batched_map(said, (before, features, numbers), at_most=TOGETHER)
