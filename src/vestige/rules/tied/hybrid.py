"""Generative learning with a discriminative term."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.tied import AbstractRecognition, PlainForward, TiedPair
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.rows import rows_of
from vestige.typing import Batch, Key


class Hybrid(AbstractRule):
    """Another rule's update, and that of weight · log q̂(y | x) on rows with a label (notes, section 3.3, L5).

    The second is ordinary back-propagation through the forward pass: **this crosses layers**. Metrics: those of the
    other rule, and `label_nll`, minus the mean of log q̂(y | x) over rows with a label, nats.

    **Arguments:**

    - `rule`: of this room, e.g. `WakeSleep()`.
    - `weight`: lambda, at least 0.
    - `recognition`: `PlainForward()` (AP1) or `VariancePropagation()` (AP2); sampled bits have no slope.
    """

    rule: AbstractRule
    weight: float = eqx.field(static=True, default=1.0)
    recognition: AbstractRecognition = PlainForward()

    def __check_init__(self):
        if self.weight < 0:
            raise ValueError(f"Hybrid: weight must be at least 0, got {self.weight}")

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> Any:
        return self.rule.init(model, batch, key=key)

    def step(self, model: TiedPair, carry: Any, batch: Batch, *, key: Key) -> Step:
        key_rule, key_label = jax.random.split(key)
        done = self.rule.step(model, carry, batch, key=key_rule)
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)

        def cost(parameters):
            net = eqx.combine(parameters, rest).resolve()
            rows = rows_of(net, batch)
            logits = jax.vmap(lambda x: self.recognition.log_top(net, x, key=key_label))(rows.data)
            each = jnp.where(rows.known, -jax.vmap(net.units[-1].log_prob)(rows.top, logits), 0.0)
            total = jnp.sum(each)
            return self.weight * total / len(each), total / jnp.maximum(jnp.sum(rows.known), 1).astype(total.dtype)

        slopes, nll = jax.grad(cost, has_aux=True)(parameters)
        grads = jax.tree.map(jnp.add, done.grads, slopes)
        return Step(grads, done.carry, {**done.metrics, "label_nll": nll})
