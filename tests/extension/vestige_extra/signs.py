"""A rule: the sign of every coordinate of the gradient."""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

import vestige
from vestige.rules import AbstractRule, Gradient, RuleSpec


class Signs(AbstractRule):
    """sign(∇) of the objective, as large as a number says."""

    gradient: Gradient
    size: float

    def __init__(self, objective: Any, size: float = 0.1):
        self.gradient, self.size = Gradient(objective, clip=None), size

    def init(self, model, batch, *, key):
        return self.gradient.init(model, batch, key=key)

    def step(self, model, carry, batch, *, key):
        found = self.gradient.step(model, carry, batch, key=key)
        return found._replace(grads=jax.tree.map(lambda g: self.size * jnp.sign(g), found.grads))


@dataclasses.dataclass(frozen=True)
class SignsSpec(RuleSpec):
    """Back-propagation, of which only the signs are used."""

    size: float = 0.1
    """Of every coordinate."""

    part: ClassVar[str] = "vestige_extra.signs:Signs"
    needs: ClassVar[str] = "objective"

    def build(self, model, task):
        return self.make(model.objective(task))


vestige.register("rule", "signs", SignsSpec)
