"""What a memory learns in the room before anybody acts on it."""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.longterm import Detector
from vestige.numerics import batched_map
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.longterm.contract import EVALUATION_BATCH
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.twocolors.recorded import Recorded
from vestige.typing import Batch, Key, Metrics

TOGETHER = EVALUATION_BATCH // 8  # episodes read at once: a step is a picture


@runtime_checkable
class EncodesAndDetects(EncodesAndPredicts, Protocol):
    """What a model must do here; a [`LongTermModel`][vestige.models.longterm.LongTermModel] can do it."""

    @property
    def detector(self) -> Detector:
        """The predictor without memory."""
        ...


class ColorEpisodes(AbstractTask):
    """Recorded episodes; the reward of every step is to be predicted from memory, frame and action.

    Metrics, over all steps of the evaluated episodes at which something was picked up:

    - `mse`: the squared error of the reward predicted from m_k, frame and action.
    - `mse_forgetful`: of the same predictor where the memory is what it is before the first step.
    - `mse_local`: of the detector, which has no memory at all.
    - `right`: the share of steps at which the prediction from m_k has the reward's sign.

    Rewards of 1 and -1 are about as frequent, and without the pillar nothing seen distinguishes them: who remembers
    nothing does best to predict their mean. No error of 0 is possible, for one walks backwards into orbs, too.

    An evaluation of `size` takes as many different held-out episodes at random, or all where there are no more.

    **Raises:** from `evaluate`, `ValueError` where `size` is below 1.
    """

    train: Recorded
    held_out: Recorded

    @property
    def steps(self) -> int:
        """The most steps of an episode to train on."""
        return self.train.horizon

    def batch(self, *, size: int, key: Key) -> Batch:
        """`size` episodes to train on, drawn with replacement, as one sequence with a leading axis, in `inputs`."""

        def one(row: Array) -> Any:
            episodes = self.train.episodes
            return self.train.sequence(jax.random.randint(jax.random.fold_in(key, row), (), 0, episodes, jnp.int32))

        return Batch(jax.vmap(one)(jnp.arange(size)))

    def evaluate(self, model: EncodesAndDetects, *, size: int, key: Key) -> Metrics:
        """On `size` different held-out episodes, or all where there are no more, eight at a time."""
        if size < 1:
            raise ValueError(f"evaluate: size must be at least 1, got {size}")
        chosen = jax.random.permutation(key, self.held_out.episodes)[:size].astype(jnp.int32)
        sums = batched_map(lambda index: self._evaluated(model, index), chosen, at_most=TOGETHER)
        total = {name: jnp.sum(values) for name, values in sums.items()}
        return {name: value / jnp.maximum(total["count"], 1.0) for name, value in total.items() if name != "count"}

    def diagnostics(self, model: EncodesAndDetects, *, size: int, key: Key) -> Evaluation:
        """Metrics on held-out episodes, and on as many of those to train on."""
        count = min(size, self.held_out.episodes, self.train.episodes)
        held_out = evaluate(self, model, size, key=key)
        learned = evaluate(ColorEpisodes(self.train, self.train), model, count, key=key)
        return Evaluation(scalars(held_out), scalars(learned), self.bounds(held_out), {})

    def _evaluated(self, model: EncodesAndDetects, index: Array) -> dict[str, Float[Array, ""]]:
        """Sums over the steps of one episode at which something was picked up, and how many they are."""
        sequence = self.held_out.sequence(index)
        lead = model.detector.context - 1
        wide = sequence.window(jnp.array(-lead, jnp.int32), self.held_out.horizon + lead)
        local = model.detector(wide.inputs, wide.inside)[:, 0]
        inputs, rewards, inside = jax.tree.map(lambda leaf: leaf[lead:], (wide.inputs, wide.outcomes, wide.inside))
        _, memories = model.encode(model.init(), inputs, inside)
        nothing = model.encode(model.init(), inputs, jnp.zeros_like(inside))[1]
        predicted = jax.vmap(model.predict)(memories, inputs)[:, 0]
        forgetful = jax.vmap(model.predict)(nothing, inputs)[:, 0]
        picked = inside & (rewards != 0)
        return {
            "mse": _total(jnp.square(predicted - rewards), picked),
            "mse_forgetful": _total(jnp.square(forgetful - rewards), picked),
            "mse_local": _total(jnp.square(local - rewards), picked),
            "right": _total((predicted * rewards > 0).astype(rewards.dtype), picked),
            "count": _total(jnp.ones_like(rewards), picked),
        }

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """Chance knows that something is picked up, and nothing of the pillar: it predicts the mean reward, and its
        sign."""
        gained = self.held_out.rewards[self.held_out.rewards != 0]
        error, sign = float(gained.var()), float((gained > 0).mean())
        errors = {name: {"best": 0.0, "chance": error} for name in ("mse", "mse_forgetful", "mse_local")}
        return {**errors, "right": {"best": 1.0, "chance": max(sign, 1 - sign)}}


def _total(values: Float[Array, " time"], where: Bool[Array, " time"]) -> Float[Array, ""]:
    return jnp.sum(jnp.where(where, values, 0.0))
