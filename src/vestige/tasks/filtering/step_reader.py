"""A filter that reads steps a chunk at a time, its state carried, and predicts each before it sees it."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt

from vestige.models.families import missing_in_part
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
    """Of the last step that was seen, or, of steps that are missing in part, each as it was seen last; zeros before."""
    begun: Bool[Array, ""]


class ReadSteps(NamedTuple):
    """What is said of each step before it is seen, and how surprising it is then. In units of the training."""

    mean: Float[Array, "time p"]
    last: Float[Array, "time p"]
    linear: Float[Array, "time p"]
    begun: Bool[Array, " time"]
    surprise: Float[Array, " time"]
    """Means nothing where a step is missing."""


@runtime_checkable
class SeesParts(Protocol):
    """A filter that may be able to take observations that are missing in part."""

    def seeing_parts(self) -> Filters | None:
        """The same model, which takes them.

        **Returns:** the model; None where it cannot.
        """
        ...


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

    @property
    def in_part(self) -> bool:
        """Whether a step may be missing in some of its values."""
        return bool(getattr(self.model, "in_part", False))

    def seeing_parts(self) -> "StepReader | None":
        """The same of steps that may be missing in part.

        **Returns:** a reader; None where the model cannot.
        """
        model = self.model.seeing_parts() if isinstance(self.model, SeesParts) else None
        return None if model is None else StepReader(model, self.featurizer, self.linear, self.key)

    def start(self) -> Carried:
        """What is carried before the first step."""
        return Carried(self.model.init(), jnp.zeros_like(self.linear.centre), jnp.zeros((), bool))

    def before(self, carried: Carried, reset: Bool[Array, ""]) -> Carried:
        """What is carried into a step, of which `reset` says that a recording begins with it."""
        return jax.tree.map(lambda new, old: jnp.where(reset, new, old).astype(old.dtype), self.start(), carried)

    def after(self, before: Carried, seen: Float[Array, " features"]) -> Carried:
        """What is carried from a step on, in which this was `seen`; NaN where it is missing."""
        there = jnp.isfinite(seen) if self.in_part else jnp.all(jnp.isfinite(seen))
        after = self.model.filter(before.state, seen)
        return Carried(after, jnp.where(there, seen, before.last), before.begun | jnp.any(there))


def filled_up(features: np.ndarray, resets: np.ndarray, chunk: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `chunk` steps of `features` and `resets`, filled up with missing ones, so that all chunks have one
    program."""
    count = len(features)
    filled = np.full((chunk, features.shape[1]), np.nan, np.float32)
    filled[:count] = features
    begins = np.zeros(chunk, bool)
    begins[:count] = resets
    return filled, begins


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
    - `features`: (time, features) float32, what the model sees; NaN where a step is missing, and, where the reader is
      `in_part`, where a value is. Steps that are missing at the end change nothing.
    - `resets`: (time,), where the state starts anew before the step.
    - `start`: the number of the first step, uint32.

    **Returns:** what is carried on, and what is said of each step.
    """
    model = reader.model

    def step(carried: Carried, item: tuple[Array, Array]) -> tuple[Carried, Carried]:
        before = reader.before(carried, item[1])
        return reader.after(before, item[0]), before

    def said(row: tuple[Carried, Array, Array]) -> ReadSteps:
        before, seen, number = row
        key = jax.random.fold_in(reader.key, number)
        last = reader.featurizer.bare(before.last[None])
        predicted = reader.featurizer.next_frame(last, model.predict(before.state, key=key)[None])
        seen = seen if reader.in_part else jnp.nan_to_num(seen)
        surprise = -model.log_predictive(before.state, seen, key=key)
        return ReadSteps(predicted[0], last[0], reader.linear(before.last[None])[0], before.begun, surprise)

    carried, before = jax.lax.scan(step, carried, (features, resets))
    numbers = start + jnp.arange(features.shape[0], dtype=jnp.uint32)
    return carried, batched_map(said, (before, features, numbers), at_most=TOGETHER)


@eqx.filter_jit
def carry_steps(
    reader: StepReader,
    carried: Carried,
    features: Float[Array, "time features"],
    resets: Bool[Array, " time"],
) -> tuple[Carried, Carried]:
    """Carry the state through a chunk of steps, without predictions. One scan.

    **Arguments:**

    - `reader`, `carried`, `features`, `resets`: as for `read_steps`.

    **Returns:** what is carried on, and what is carried from each step, time first.
    """

    def step(carried: Carried, item: tuple[Array, Array]) -> tuple[Carried, Carried]:
        after = reader.after(reader.before(carried, item[1]), item[0])
        return after, after

    return jax.lax.scan(step, carried, (features, resets))


class Readers:
    """Reads chunks of steps; with another program those in which steps are missing in part.

    **Arguments:**

    - `reader`: of the model.
    """

    def __init__(self, reader: StepReader):
        self.reader, self._parts = reader, reader.seeing_parts()

    @property
    def in_part(self) -> bool:
        """Whether the model takes steps that are missing in part."""
        return self._parts is not None

    def of(self, features: np.ndarray) -> StepReader:
        """The reader of a chunk of `features` (time, features)."""
        return self._parts if self._parts is not None and missing_in_part(features).any() else self.reader
