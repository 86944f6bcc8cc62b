"""A temporally local rule that is shown the wrong past: an ablation."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from vestige.models.filters import AbstractFilter
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.local import LocalCarry, TemporallyLocal
from vestige.typing import Batch, Key


class Shuffled(AbstractRule):
    """As `of`, but every sequence is given the previous state of another one.

    Nothing in the data then asks for a connection between what was and what is: what a model still remembers it
    remembers unasked. States go on as they come, so each is the past of ever other sequences. (The notes' check 10.)

    **Arguments:** `of`: a rule that makes an update at every step, for within a longer interval states are its own.

    **Raises:** `ValueError` for an `update_interval` above 1, and for a batch of one sequence.
    """

    of: TemporallyLocal

    def __check_init__(self):
        if self.of.update_interval != 1:
            interval = self.of.update_interval
            raise ValueError(
                f"Shuffled: the rule must make an update at every step (update_interval 1), got {interval}"
            )

    def init(self, model: AbstractFilter, batch: Batch, *, key: Key) -> LocalCarry:
        return self.of.init(model, batch, key=key)

    def needs_batch(self, carry: LocalCarry) -> Bool[Array, ""] | bool:
        return self.of.needs_batch(carry)

    def step(self, model: AbstractFilter, carry: LocalCarry, batch: Batch, *, key: Key) -> Step:
        rows = carry.slots.offset.shape[0]
        if rows < 2:
            raise ValueError("Shuffled: a batch must hold at least 2 sequences, got 1: there is no other one")
        key_shift, key = jax.random.split(key)
        shift = jax.random.randint(key_shift, (), 1, rows)
        others = jnp.roll(carry.slots.state, shift, axis=0)
        return self.of.step(model, eqx.tree_at(lambda c: c.slots.state, carry, others), batch, key=key)
