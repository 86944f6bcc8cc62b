"""A selection: the steps with the largest scores, some of them replaced by any step."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

import vestige
from vestige.checks import between
from vestige.rules import AbstractSelection, SelectionSpec
from vestige.rules.selection import Targets


class EpsilonGreedy(AbstractSelection):
    """Each of the `count` best, or with probability `epsilon` a candidate drawn uniformly."""

    epsilon: float = eqx.field(static=True, default=0.1)

    def __call__(self, candidates, point, count, *, key):
        key_whether, key_which = jax.random.split(key)
        missing = candidates.ahead(point).scores == -jnp.inf
        number = jnp.sum(~missing, dtype=candidates.steps.dtype)
        order = jnp.argsort(missing, stable=True)  # those ahead first, the best of them first
        best = jnp.arange(count, dtype=candidates.steps.dtype)
        drawn = jax.random.randint(key_which, (count,), 0, jnp.maximum(number, 1), dtype=best.dtype)
        explores = jax.random.bernoulli(key_whether, self.epsilon, (count,)) | (best >= number)
        weight = jnp.where(number > 0, 1.0 / count, 0.0)
        return Targets(candidates.steps[order[jnp.where(explores, drawn, best)]], jnp.broadcast_to(weight, (count,)))


@dataclasses.dataclass(frozen=True)
class EpsilonGreedySpec(SelectionSpec):
    """The steps with the largest scores, some of them replaced by any step."""

    epsilon: float = 0.1
    """The probability that a step is replaced."""

    part: ClassVar[str] = "vestige_extra.epsilon_greedy:EpsilonGreedy"

    def __post_init__(self):
        super().__post_init__()
        between(self, 0, 1, "epsilon")


vestige.register("selection", "epsilon-greedy", EpsilonGreedySpec)
