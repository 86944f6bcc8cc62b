"""One rule, and then another."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.rules.contract import AbstractRule, Step
from vestige.typing import Batch, Key, Metrics


class AlternatingCarry(NamedTuple):
    """What survives an update: the carries of the `first` and the `second` rule."""

    first: Any
    second: Any
    done: Int[Array, ""]
    """Updates by the first rule."""


class Alternating(AbstractRule):
    """`updates` updates by the rule `first`, and `second` from then on; both on the same model.

    The rule whose turn it is not costs nothing, and keeps its carry as it is. A metric that the running rule has not is
    0; `stage` is 0, then 1.

    An optimiser that moves parameters whose gradient is 0, such as Adam by its momentum, goes on doing so after the
    change: where the second rule is to find what the first one trained at rest, give each part an optimiser of its
    own that stops in time (`optax.conditionally_mask`).

    **Arguments:**

    - `first`, `second`: the rules.
    - `updates`: how many the first one makes.

    **Raises:** `ValueError` where `updates` is negative.
    """

    first: AbstractRule
    second: AbstractRule
    updates: int = eqx.field(static=True)

    def __check_init__(self):
        if self.updates < 0:
            raise ValueError(f"Alternating: updates must not be negative, got {self.updates}")

    def init(self, model: Any, batch: Batch, *, key: Key) -> AlternatingCarry:
        key_first, key_second = jax.random.split(key)
        return AlternatingCarry(
            self.first.init(model, batch, key=key_first),
            self.second.init(model, batch, key=key_second),
            jnp.zeros((), jnp.int32),
        )

    def needs_batch(self, carry: AlternatingCarry) -> Bool[Array, ""] | bool:
        first, second = self.first.needs_batch(carry.first), self.second.needs_batch(carry.second)
        return (first is True and second is True) or jnp.where(carry.done < self.updates, first, second)

    def step(self, model: Any, carry: AlternatingCarry, batch: Batch, *, key: Key) -> Step:
        names = [self._metrics(rule, model, own, batch, key=key) for rule, own in zip(self._rules, carry, strict=False)]

        def by_first() -> Step:
            step = self.first.step(model, carry.first, batch, key=key)
            after = AlternatingCarry(step.carry, carry.second, carry.done + 1)
            return Step(step.grads, after, {**names[1], **step.metrics, "stage": jnp.zeros(())})

        def by_second() -> Step:
            step = self.second.step(model, carry.second, batch, key=key)
            after = AlternatingCarry(carry.first, step.carry, carry.done)
            return Step(step.grads, after, {**names[0], **step.metrics, "stage": jnp.ones(())})

        return jax.lax.cond(carry.done < self.updates, by_first, by_second)

    @property
    def _rules(self) -> tuple[AbstractRule, AbstractRule]:
        return self.first, self.second

    def _metrics(self, rule: AbstractRule, model: Any, carry: Any, batch: Batch, *, key: Key) -> Metrics:
        """A rule's metrics, all of them 0."""
        like = eqx.filter_eval_shape(lambda m, c, b, k: rule.step(m, c, b, key=k).metrics, model, carry, batch, key)
        return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
