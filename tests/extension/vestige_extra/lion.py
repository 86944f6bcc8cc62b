"""An optimiser: the sign of a momentum (Lion, Chen et al. 2023), as optax has it."""

import dataclasses

import optax

import vestige
from vestige.checks import at_least
from vestige.training.optimisers import AbstractScheduledSpec
from vestige.training.rated import rated


@dataclasses.dataclass(frozen=True)
class LionSpec(AbstractScheduledSpec):
    """The sign of a momentum, so that every parameter moves by the learning rate."""

    rate: float = 1e-4
    """Peak learning rate; about a tenth of Adam's."""
    weight_decay: float = 0.0
    """Share of every parameter that an update takes away, times the learning rate."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "weight_decay")

    def build(self, steps, *, task, rule):
        # Not a constant of the program: trials that differ in the rate alone are compiled once.
        return rated(self.rate, lambda rate: optax.lion(self.schedule(steps, rate), weight_decay=self.weight_decay))


vestige.register("optimiser", "lion", LionSpec)
