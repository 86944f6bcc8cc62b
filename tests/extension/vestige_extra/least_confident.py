"""A score: how little probability the detector's best guess has (least confidence sampling)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

import vestige
from vestige.models.longterm import Classes
from vestige.rules import AbstractScore, ScoreSpec


class LeastConfident(AbstractScore):
    """1 - max p of the detector's prediction, between 0 and 1; for classes only."""

    @property
    def from_start(self):
        return False

    def init(self, model, sequence):
        return None

    def __call__(self, model, state, window, steps, lead, *, key):
        if not isinstance(model.outcome, Classes):
            raise ValueError(
                f"score least-confident: outcomes must be classes, got {type(model.outcome).__name__}; "
                "use --rule.score surprise"
            )
        logits = model.detector(window.inputs, window.inside)
        return None, 1 - jnp.max(jax.nn.softmax(logits, axis=-1), axis=-1)


@dataclasses.dataclass(frozen=True)
class LeastConfidentSpec(ScoreSpec):
    """One minus the probability of the detector's best guess; for classes only."""

    part: ClassVar[str] = "vestige_extra.least_confident:LeastConfident"


vestige.register("score", "least-confident", LeastConfidentSpec)
