"""Where a run keeps what it produces, and how often."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Cadence:
    """How often what is done, in updates.

    **Arguments:**

    - `log_every`, `checkpoint_every`, `evaluate_every`: periods; 0 switches evaluation off.
    - `evaluation_size`: held-out examples per evaluation.
    """

    log_every: int = 100
    checkpoint_every: int = 1000
    evaluate_every: int = 0
    evaluation_size: int = 256

    def __post_init__(self):
        for name in ("log_every", "checkpoint_every", "evaluation_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.evaluate_every < 0:
            raise ValueError(f"evaluate_every must not be negative, got {self.evaluate_every}")

    def next_stop(self, step: int, steps: int) -> int:
        """The first update after `step` at which something is due."""
        periods = [self.log_every, self.checkpoint_every] + [self.evaluate_every] * (self.evaluate_every > 0)
        return min(steps, *(step + period - step % period for period in periods))


@dataclasses.dataclass(frozen=True)
class Run:
    """The folder of one run: `metrics.jsonl`, `tensorboard/`, `checkpoints/`.

    **Arguments:**

    - `folder`: made if need be. A state found in it is continued, if `fingerprint` agrees.
    - `fingerprint`: identifies model, task, rule and optimiser.
    - `keep`: how many checkpoints to keep, at least 1.
    """

    folder: Path
    fingerprint: str = ""
    keep: int = 3
