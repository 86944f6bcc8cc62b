"""Proximal policy optimisation, one minibatch per update."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.policy import Agent, Policy
from vestige.numerics import masked_where
from vestige.rules.acting import Environment, play, sampled
from vestige.rules.advantages import advantages, standardised
from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.typing import Batch, Key, Metrics, PyTree


class Experience(NamedTuple):
    """Collected episodes, or single steps of them; padding where `mask` is False."""

    inputs: Float[Array, "*steps features"]
    """What was locally available, see `vestige.rules.acting.seen`."""
    readouts: Float[Array, "*steps memory"]
    """The memory's, computed once: it is frozen."""
    actions: Int[Array, "*steps"]
    """Their numbers."""
    logs: Float[Array, "*steps"]
    """ln of the probabilities of the actions when they were taken."""
    advantages: Float[Array, "*steps"]
    """With mean 0 and variance 1 over a collection."""
    returns: Float[Array, "*steps"]
    """The targets of the critic."""
    rewards: Float[Array, "*steps"]
    """What each action brought."""
    mask: Bool[Array, "*steps"]


class ProximalCarry(NamedTuple):
    """What survives an update."""

    experience: Experience
    """Of the newest collection, fields (episodes, horizon, …)."""
    order: Int[Array, " all"]
    """In which its steps, episode after episode, are taken in this pass."""
    taken: Int[Array, ""]
    """Minibatches taken from this collection; 0 asks for a new one."""


class Proximal(AbstractRule):
    """PPO with the clipped objective (Schulman et al. 2017, arXiv:1707.06347) on a frozen memory (MemUP section 4.3).

    One update is one minibatch: the gradient of `-min(w A, clip(w, 1 - ratio, 1 + ratio) A) + value (V - R)² / 2 -
    entropy H`, averaged over its steps, where `w` is how much more likely the action has become since it was taken.
    After `epochs` passes of `minibatches` over the collected steps, shuffled anew for each, `episodes` new ones are
    played in the same compiled update. Batches are ignored: experience is made, not drawn.

    | crosses an update | with gradient | without |
    |---|---|---|
    | collected episodes with readouts, log-probabilities, advantages, returns | no | yes |

    Of an [`Agent`][vestige.models.policy.Agent] only the policy is trained: the memory's gradient is exactly 0. The
    readouts are computed once per collection, and kept: `episodes x horizon` of them are the storage, with the inputs
    and six numbers more per step. A pass's remainder that fills no minibatch is left out. Unlike in the published runs
    there is no penalty on the KL.

    Metrics: `reward`, the mean return of the newest collection's episodes, not discounted; `loss` and its parts; the
    share of steps whose `w` is clipped.

    **Arguments:**

    - `environment`: where episodes are played.
    - `episodes`: played for a collection.
    - `epochs`: passes over it.
    - `minibatches`: updates per pass.
    - `ratio`: how far w may move from 1 before its gradient is cut off.
    - `value`, `entropy`: weights of the critic's error and of the policy's entropy.
    - `discount`, `trace`: gamma and lambda of the [advantages][vestige.rules.advantages.advantages].
    - `clip`: bound on the gradient's global norm; None for none.

    **Raises:** `ValueError` where a count is below 1, `ratio` not positive, `value` or `entropy` negative, `discount`
    or `trace` not in [0, 1], or where there are more minibatches than steps.
    """

    environment: Environment
    episodes: int = eqx.field(static=True, default=32)
    epochs: int = eqx.field(static=True, default=4)
    minibatches: int = eqx.field(static=True, default=4)
    ratio: float = eqx.field(static=True, default=0.2)
    value: float = eqx.field(static=True, default=0.5)
    entropy: float = eqx.field(static=True, default=0.01)
    discount: float = eqx.field(static=True, default=0.99)
    trace: float = eqx.field(static=True, default=0.95)
    clip: float | None = eqx.field(static=True, default=0.5)

    def __check_init__(self):
        for name in ("episodes", "epochs", "minibatches"):
            if getattr(self, name) < 1:
                raise ValueError(f"Proximal: {name} must be at least 1, got {getattr(self, name)}")
        if not self.ratio > 0:
            raise ValueError(f"Proximal: ratio must be positive, got {self.ratio}")
        for name in ("value", "entropy"):
            if getattr(self, name) < 0:
                raise ValueError(f"Proximal: {name} must not be negative, got {getattr(self, name)}")
        for name in ("discount", "trace"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Proximal: {name} must be in [0, 1], got {getattr(self, name)}")
        if self.minibatches > self._steps:
            raise ValueError(
                f"Proximal: {self.episodes} episodes of {self.environment.horizon} steps do not make "
                f"minibatches={self.minibatches}. Take fewer, or more episodes."
            )
        check_clip("Proximal", self.clip)

    @property
    def _steps(self) -> int:
        return self.episodes * self.environment.horizon

    def init(self, model: Agent, batch: Batch | None, *, key: Key) -> ProximalCarry:
        like = eqx.filter_eval_shape(lambda m, k: self.collect(m, key=k), model, key)
        nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
        return ProximalCarry(nothing, jnp.zeros(self._steps, jnp.int32), jnp.zeros((), jnp.int32))

    def due(self, carry: ProximalCarry) -> Bool[Array, ""]:
        """Whether the next update begins with a new collection."""
        return carry.taken == 0

    def collect(self, model: Agent, *, key: Key) -> Experience:
        """Play `episodes` episodes with the policy as it is; fields (episodes, horizon, …)."""
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(self.episodes))
        played = jax.vmap(lambda k: play(model, self.environment, sampled, key=k))(keys)
        how = {"discount": self.discount, "trace": self.trace}
        gained = jax.vmap(lambda r, v, m: advantages(r, v, m, **how))(played.rewards, played.values, played.mask)
        return Experience(
            inputs=played.inputs,
            readouts=played.readouts,
            actions=played.actions,
            logs=played.logs,
            advantages=standardised(gained, played.mask),
            returns=gained + played.values,
            rewards=played.rewards,
            mask=played.mask,
        )

    def step(self, model: Agent, carry: ProximalCarry, batch: Batch | None, *, key: Key) -> Step:
        key_play, key_order = jax.random.split(key)
        turn = carry.taken % self.minibatches
        experience = jax.lax.cond(self.due(carry), lambda: self.collect(model, key=key_play), lambda: carry.experience)
        order = jax.lax.cond(
            turn == 0,
            lambda: jax.random.permutation(key_order, jnp.arange(self._steps, dtype=jnp.int32)),
            lambda: carry.order,
        )
        size = self._steps // self.minibatches
        chosen = jax.lax.dynamic_slice_in_dim(order, turn * size, size)
        flat = jax.tree.map(lambda leaf: leaf.reshape(self._steps, *leaf.shape[2:])[chosen], experience)

        def loss(policy: PyTree) -> tuple[Array, Metrics]:
            whole = eqx.combine(policy, model.policy)
            return self.loss(eqx.tree_at(lambda agent: agent.policy, model, whole), flat)

        (value, metrics), slopes = jax.value_and_grad(loss, has_aux=True)(_trainable(model.policy))
        slopes, norm = clipped(slopes, self.clip)
        still = jax.tree.map(jnp.zeros_like, _trainable(model))
        grads = eqx.tree_at(lambda agent: agent.policy, still, slopes)
        taken = (carry.taken + 1) % (self.epochs * self.minibatches)
        reward = jnp.sum(experience.rewards) / self.episodes
        metrics = {"loss": value, **metrics, "reward": reward, "grad_norm": norm}
        return Step(grads, ProximalCarry(experience, order, taken), metrics)

    def loss(self, model: Agent, steps: Experience) -> tuple[Float[Array, ""], Metrics]:
        """What is minimised, on single steps; fields (steps, …)."""
        count = jnp.maximum(jnp.sum(steps.mask, dtype=steps.logs.dtype), 1.0)

        def mean(values: Array) -> Array:
            return jnp.sum(jnp.where(steps.mask, values, 0.0)) / count

        steps = masked_where(steps.mask, steps)
        opinions = jax.vmap(model.decide)(steps.readouts, steps.inputs)
        logs = jax.nn.log_softmax(opinions.logits)
        taken = jnp.take_along_axis(logs, steps.actions[:, None], axis=1)[:, 0]
        weight = jnp.exp(jnp.where(steps.mask, taken - steps.logs, 0.0))
        bounded = jnp.clip(weight, 1.0 - self.ratio, 1.0 + self.ratio)
        gain = mean(jnp.minimum(weight * steps.advantages, bounded * steps.advantages))
        error = mean(jnp.square(jnp.where(steps.mask, opinions.value - steps.returns, 0.0)) / 2)
        spread = mean(-jnp.sum(jnp.exp(logs) * logs, axis=1))
        total = -gain + self.value * error - self.entropy * spread
        outside = mean((bounded != weight).astype(weight.dtype))
        return total, {"gain": gain, "value_loss": error, "entropy": spread, "clipped": outside}


def _trainable(tree: Agent | Policy) -> PyTree:
    return eqx.filter(tree, eqx.is_inexact_array)
