"""What may be set of an experiment in the room of two colours; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.checks import at_least
from vestige.experiments.contract import AbstractOptions, Built, Findings
from vestige.experiments.longterm.cells import CELLS, Cell
from vestige.experiments.longterm.remembering import OPTIMISERS
from vestige.experiments.optimisers import Adam, Muon
from vestige.experiments.twocolors.rules import RULES, MemUP, Rule

if TYPE_CHECKING:
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class TwoColors(AbstractOptions):
    """A memory that must keep the colour of a pillar to foretell what the things are worth that are picked up."""

    episodes: int = 256
    """Recorded of somebody who wanders about, to train on."""
    held_out: int = 64
    """Recorded to be judged on."""
    skip: int = 4
    """Tics of the game per step."""
    tics: int = 2100
    """The most of an episode."""
    cell: Cell = dataclasses.field(default_factory=lambda: CELLS["hard-lstm"])
    features: int = 64
    """What is seen at a step becomes so many numbers: once for the memory, for the question and for the detector."""
    channels: int = 16
    """Of the first convolution; the second has twice as many."""
    width: int = 64
    """Hidden units of the predictor and of the uncertainty detector."""
    rule: Rule = dataclasses.field(default_factory=MemUP)
    rollout: int = 20
    """Steps that the memory's gradient goes back."""
    optimiser: Adam | Muon = dataclasses.field(default_factory=lambda: Muon(3e-3))
    steps: int = 3000
    """Updates."""
    batch: int = 16
    """Episodes that the memory follows at once."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "rule": RULES,
        "cell": CELLS,
        "optimiser": OPTIMISERS,
    }
    subject: ClassVar[str] = "a long-term memory of what was seen in a game"
    variation: ClassVar[str] = "rule"

    def __post_init__(self):
        at_least(self, 1, "episodes", "held_out", "skip", "tics", "features", "channels", "width", "rollout", "batch")
        at_least(self, 0, "steps")

    @property
    def headline(self) -> str:
        return "mse"

    @property
    def evaluations(self) -> int:
        return 10

    @property
    def evaluation_size(self) -> int:
        return self.held_out

    def outline(self) -> dict[str, str]:
        return {"episodes": f"{self.episodes:,}", "rollout": str(self.rollout)}

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.twocolors.build import build

        return build(self, seed=seed)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.twocolors.examine import examine

        return examine(built.task, model, size=self.evaluation_size, key=key)
