"""A memory and a policy, learned together from the same episodes."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.policy import Agent
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.memup import MemUP, MemUPCarry
from vestige.rules.proximal import Experience, Proximal, ProximalCarry
from vestige.sequences import ArraySequence
from vestige.typing import Batch, Key, PyTree


class CombinedCarry(NamedTuple):
    """What survives an update."""

    proximal: ProximalCarry
    """The carry of the policy's rule."""
    memup: MemUPCarry
    """The carry of the memory's rule."""
    average: PyTree
    """The parameters of the policy's own copy of the memory."""


class Combined(AbstractRule):
    """Each update is PPO's on the policy and MemUP's on the memory (MemUP section 3.8, as in the released code).

    The policy plays and learns on a copy of the memory of its own, which stands still while a collection is used and
    then moves towards the trained one: `copy = decay copy + (1 - decay) memory` before every collection. MemUP's
    sequences are the collected episodes, in as many places as there are episodes in a collection: where one has been
    followed to its end, any of the newest collection comes next; an outcome is the immediate reward. Unlike the
    released code there is no buffer of older episodes, and there are as many updates of the one kind as of the other.

    What a run leaves behind is the trained memory, not the copy: let the learning rate fall to almost nothing at the
    end, so that the two agree.

    Metrics: PPO's, and MemUP's as `memory_…`. Batches are ignored.

    **Arguments:**

    - `proximal`: the rule of the policy.
    - `memup`: the rule of the memory.
    - `decay`: how much of the copy is left at each new collection.

    **Raises:** `ValueError` where `decay` is not in [0, 1).
    """

    proximal: Proximal
    memup: MemUP
    decay: float = eqx.field(static=True, default=0.9)

    def __check_init__(self):
        if not 0 <= self.decay < 1:
            raise ValueError(f"Combined: decay must be in [0, 1), got {self.decay}")

    def init(self, model: Agent, batch: Batch | None, *, key: Key) -> CombinedCarry:
        proximal = self.proximal.init(model, batch, key=key)
        memup = self.memup.init(model.memory, Batch(_sequences(proximal.experience)), key=key)
        return CombinedCarry(proximal, memup, eqx.filter(model.memory, eqx.is_inexact_array))

    def step(self, model: Agent, carry: CombinedCarry, batch: Batch | None, *, key: Key) -> Step:
        key_proximal, key_rows, key_memup = jax.random.split(key, 3)
        decay = jnp.where(self.proximal.due(carry.proximal), self.decay, 1.0)
        trained = eqx.filter(model.memory, eqx.is_inexact_array)
        average = jax.tree.map(lambda old, new: decay * old + (1.0 - decay) * new, carry.average, trained)
        copy = eqx.combine(average, model.memory)
        acting = eqx.tree_at(lambda agent: agent.memory, model, copy)
        acted = self.proximal.step(acting, carry.proximal, batch, key=key_proximal)
        rows = jax.random.permutation(key_rows, self.proximal.episodes)
        episodes = jax.tree.map(lambda leaf: leaf[rows], _sequences(acted.carry.experience))
        learned = self.memup.step(model.memory, carry.memup, Batch(episodes), key=key_memup)
        grads = eqx.tree_at(lambda agent: agent.memory, acted.grads, learned.grads)
        metrics = {**acted.metrics, **{f"memory_{name}": value for name, value in learned.metrics.items()}}
        return Step(grads, CombinedCarry(acted.carry, learned.carry, average), metrics)


def _sequences(experience: Experience) -> ArraySequence:
    """The episodes, as sequences whose outcomes are the rewards."""
    length = jnp.sum(experience.mask, axis=1, dtype=jnp.int32)
    return jax.vmap(ArraySequence)(experience.inputs, experience.rewards, length)
