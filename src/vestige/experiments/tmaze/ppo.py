"""How the policy learns, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any

from vestige.experiments.checks import at_least, positive

if TYPE_CHECKING:
    from vestige.rules import Proximal


@dataclasses.dataclass(frozen=True)
class PPO:
    """Proximal policy optimisation: play some episodes, learn from them a few times over, play again."""

    episodes: int = 32
    """Played at a time."""
    epochs: int = 4
    """Passes over them."""
    minibatches: int = 4
    """Updates per pass."""
    ratio: float = 0.2
    """How far an action's probability may move before its gradient is cut off."""
    value: float = 0.5
    """Weight of the critic's error."""
    entropy: float = 0.01
    """Weight of the policy's entropy."""
    discount: float = 0.99
    """Gamma."""
    trace: float = 0.95
    """Lambda of the advantages; 1: whole returns."""
    clip: float | None = 0.5
    """Global norm at which the gradient is clipped; None leaves it alone."""

    def __post_init__(self):
        at_least(self, 1, "episodes", "epochs", "minibatches")
        at_least(self, 0, "value", "entropy", "discount", "trace")
        positive(self, "ratio", "clip")

    def build(self, maze: Any) -> "Proximal":
        """The rule, in that maze."""
        from vestige.rules import Proximal

        return Proximal(maze, **dataclasses.asdict(self))
