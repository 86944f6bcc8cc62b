"""The optimisers of all kinds of experiment, as options."""

import dataclasses
from typing import Any, Literal

from vestige.experiments.checks import at_least, positive


@dataclasses.dataclass(frozen=True)
class Adam:
    """Adam, with an optional warm-up and decay of the learning rate."""

    rate: float = 1e-3
    """Peak learning rate."""
    decay: Literal["cosine", "constant"] = "cosine"
    """cosine: to 1 % of the peak at the last update."""
    warmup: int = 500
    """Updates over which the rate rises from zero."""

    def __post_init__(self):
        positive(self, "rate")
        at_least(self, 0, "warmup")

    def build(self, steps: int) -> Any:
        """The optax transformation for a run of `steps` updates."""
        import optax

        after = max(steps - self.warmup, 1)
        schedules = {
            "cosine": optax.cosine_decay_schedule(self.rate, after, alpha=0.01),
            "constant": optax.constant_schedule(self.rate),
        }
        schedule = schedules[self.decay]
        if self.warmup:
            rise = optax.linear_schedule(0.0, self.rate, self.warmup)
            schedule = optax.join_schedules([rise, schedule], [self.warmup])
        return optax.adam(schedule)
