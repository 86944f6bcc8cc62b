"""What may be set of an experiment in the T-maze; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.checks import at_least
from vestige.experiments.contract import AbstractOptions, Built, Findings
from vestige.experiments.optimisers import Adam
from vestige.experiments.tmaze.ppo import PPO
from vestige.experiments.tmaze.training import TRAININGS, Pretrained, Training

if TYPE_CHECKING:
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class TMaze(AbstractOptions):
    """An agent that must remember at the end of a corridor what it was told at the beginning."""

    length: int = 100
    """Least steps of an episode."""
    jitter: int = 10
    """Most further steps."""
    hidden: int = 64
    """Units of the memory, an LSTM."""
    features: int = 64
    """What is seen at a step becomes so many numbers, once for the memory and once for the question; also the hidden
    units of the uncertainty detector."""
    width: int = 128
    """Hidden units of the predictor."""
    heads: int = 64
    """Units of each of the two hidden layers of actor and critic."""
    keep: float | None = None
    """The LSTM's forget bias, its opposite the input bias; None: the logarithm of a fifth of the length, at least 1."""
    training: Training = dataclasses.field(default_factory=Pretrained)
    rollout: int = 10
    """Steps that the memory's gradient goes back."""
    targets: int = 1
    """Later steps about which a rollout is asked."""
    frequency: int = 1
    """Steps between two points of a rollout at which it is asked."""
    ppo: PPO = dataclasses.field(default_factory=PPO)
    memory_optimiser: Adam = dataclasses.field(default_factory=lambda: Adam(1e-3, "constant", 0))
    policy_optimiser: Adam = dataclasses.field(default_factory=lambda: Adam(1e-3, "cosine", 0))
    steps: int = 3000
    """Updates, those of the memory alone included."""
    batch: int = 64
    """Episodes that the memory follows at once, where it learns from a random policy's."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"training": TRAININGS}
    subject: ClassVar[str] = "an agent with a long-term memory"
    variation: ClassVar[str] = "training"

    def __post_init__(self):
        at_least(self, 0, "jitter", "steps")
        at_least(self, 1, "length", "hidden", "features", "width", "heads")
        at_least(self, 1, "rollout", "targets", "frequency", "batch")

    @property
    def headline(self) -> str:
        return "reward"

    @property
    def evaluations(self) -> int:
        return 30

    @property
    def evaluation_size(self) -> int:
        return 256

    def outline(self) -> dict[str, str]:
        return {"corridor": f"{self.length:,} to {self.length + self.jitter:,}", "rollout": str(self.rollout)}

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.tmaze.build import build

        return build(self, seed=seed)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.tmaze.examine import examine

        return examine(built.task, model, size=self.evaluation_size, key=key)
