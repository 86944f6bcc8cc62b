"""What is measured, and how often."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class GradientOptions:
    """What is measured, and how often."""

    n: int = 4
    """Items, positions, vertices, or rows."""
    k: int | None = None
    """How many of the n items, for subset alone; 2 unless given."""
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
        for name, least in {"n": 2, "draws": 2, "critic_steps": 0, "blocks": 1, "seed": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name.replace('_', '-')} must be at least {least}, got {getattr(self, name)}")
        if self.samples < 2 * self.blocks:
            raise ValueError(f"samples must be at least 2 for each of the {self.blocks} blocks, got {self.samples}")
        for name, value in {"scale": self.scale, "temperature": self.temperature}.items():
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be positive and finite, got {value}")

    @property
    def subset_size(self) -> int:
        """k, or what stands for it."""
        return 2 if self.k is None else self.k
