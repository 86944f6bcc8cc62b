"""What is measured, and how often."""

import dataclasses

from vestige.checks import at_least, finite, positive, seed


@dataclasses.dataclass(frozen=True)
class GradientOptions:
    """What is measured, and how often."""

    objective: str = "linear"
    """linear, quadratic or toy (that of the paper, where there is one)."""
    draws: int = 3
    """Evaluations of the objective for one estimate."""
    scale: float = 1.0
    """Standard deviation of the log-rates, which are drawn once, by the seed."""
    temperature: float = 1.0
    """Of the biased relaxations."""
    critic_steps: int = 300
    """Updates of the critics of RELAX before they are measured."""
    samples: int = 20_000
    """Estimates from which bias and variance are taken."""
    blocks: int = 20
    """Blocks into which they are divided; the median of their times is quoted."""
    seed: int = 0
    """Seed of the point, the objective, the critics and the estimates."""

    def __post_init__(self):
        finite(self)
        at_least(self, 2, "draws")
        at_least(self, 1, "blocks")
        at_least(self, 0, "critic_steps")
        seed(self, "seed")
        positive(self, "scale", "temperature")
        if self.samples < 2 * self.blocks:
            raise ValueError(f"samples must be at least 2 for each of the {self.blocks} blocks, got {self.samples}")
