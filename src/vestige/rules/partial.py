"""A rule for one part of a model."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from vestige.rules.contract import AbstractRule, Step
from vestige.typing import Batch, Key


class Partial(AbstractRule):
    """Apply a rule to one field of a model; the gradient of all else is exactly 0.

    **Arguments:**

    - `name`: of the field.
    - `rule`: for what the field holds.

    **Raises:** `ValueError` from `init`, where the model has no such field.
    """

    name: str = eqx.field(static=True)
    rule: AbstractRule

    def init(self, model: Any, batch: Batch, *, key: Key) -> Any:
        fields = list(getattr(model, "__dataclass_fields__", {}))
        if self.name not in fields:
            raise ValueError(f"Partial: name must be a field of the model, one of {fields}; got '{self.name}'")
        return self.rule.init(getattr(model, self.name), batch, key=key)

    def needs_batch(self, carry: Any) -> Bool[Array, ""] | bool:
        return self.rule.needs_batch(carry)

    def step(self, model: Any, carry: Any, batch: Batch, *, key: Key) -> Step:
        step = self.rule.step(getattr(model, self.name), carry, batch, key=key)
        still = jax.tree.map(jnp.zeros_like, eqx.filter(model, eqx.is_inexact_array))
        grads = eqx.tree_at(lambda whole: getattr(whole, self.name), still, step.grads)
        return Step(grads, step.carry, step.metrics)
