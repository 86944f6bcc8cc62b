"""Tasks on binary frames as sequences of observations, so that temporally local rules train filters on them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.families import Bernoulli
from vestige.sequences import ArraySequence
from vestige.tasks.filtering import AbstractFilteringTask, Filters, unroll
from vestige.tasks.filtering.contract import over_held_out
from vestige.tasks.frames import AbstractFrameTask, Example
from vestige.typing import Key, Metrics

LEAST = 1e-3  # probability of ink that the marginal baseline gives to any pixel


class FrameObservations(AbstractFilteringTask):
    """A task on binary frames for a model that only goes forward in time: a frame is an observation of its pixels.

    What is given with a frame (actions) is not seen. Outcomes: 1 at frames that a perfect memory knows, else 0.

    **Metrics** on held-out sequences, in nats: `nll_recall`, `nll_fresh` and `nll_last`, minus the log-likelihood of
    the predictable frames, of the others, and of the last, each given the state before it; `negative_bound`, of a
    frame. On the same frames `marginal_nll`, of pixels that are independent with the frequencies of these images.
    """

    task: AbstractFrameTask[Any]

    def __init__(self, task: AbstractFrameTask[Any]):
        self.task = task

    @property
    def family(self) -> Bernoulli:
        return Bernoulli(int(np.prod(self.task.frame_shape)))

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ("predictable",)

    @property
    def steps(self) -> int:
        return self.task.frames

    def sequence(self, *, key: Key) -> ArraySequence:
        return self._of(self.task.sequence(self.task.train, key=key))

    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        return self._of(self.task.sequence(self.task.test, key=jax.random.fold_in(key, row)))

    def _of(self, example: Example) -> ArraySequence:
        pixels = example.batch.inputs.reshape(self.steps, -1)
        outcome = example.predictable[:, None].astype(jnp.float32)
        return ArraySequence(pixels, outcome, jnp.array(self.steps, jnp.int32))

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        def one(sequence: ArraySequence, key: Key) -> tuple[Array, Array, Array]:
            def cost(before: Any, seen: Any, after: Any, key: Key) -> Float[Array, ""]:
                return -model.log_predictive(before, seen, key=key)

            return unroll(model, sequence, cost, key=key), sequence.outcomes[:, 0] > 0, sequence.inputs

        costs, known, pixels = over_held_out(self, one, size=size, key=key)
        ink = jnp.clip(jnp.mean(pixels, axis=(0, 1)), LEAST, 1 - LEAST)
        marginal = -jnp.sum(pixels * jnp.log(ink) + (1 - pixels) * jnp.log1p(-ink), axis=2)
        mean_where = lambda where: jnp.sum(jnp.where(where, costs, 0.0)) / jnp.maximum(jnp.sum(where), 1)
        return {
            "nll_recall": mean_where(known),
            "nll_fresh": mean_where(~known),
            "nll_last": jnp.mean(costs[:, -1]),
            "negative_bound": jnp.mean(costs),
            "marginal_nll": jnp.mean(marginal),
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """A memory can make recalled frames cheaper than fresh ones; without one they cost as much."""
        fresh = float(metrics["nll_fresh"])
        return {"nll_recall": {"best": None, "chance": fresh}, "nll_last": {"best": None, "chance": fresh}}
