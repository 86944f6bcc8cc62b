"""The calibration of a classifier of sigmoid layers, as an experiment; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.experiments.checks import at_least
from vestige.experiments.contract import AbstractOptions, Built, Findings
from vestige.experiments.optimisers import Adam

if TYPE_CHECKING:
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Calibration(AbstractOptions):
    """A classifier trained by back-propagation, then read as a stochastic network of bits."""

    source: Literal["digits", "mnist"] = "digits"
    """digits: 8x8, shipped with scikit-learn. mnist: 28x28, files."""
    binary: bool = True
    """Black and white images; otherwise grey ones."""
    width: int = 100
    """Units of each hidden layer."""
    depth: int = 2
    """Hidden layers."""
    passes: int = 200
    """Sampled passes that stand for the truth."""
    optimiser: Adam = dataclasses.field(default_factory=lambda: Adam(3e-3, "tenth", 0))
    steps: int = 2100
    """Updates."""
    batch: int = 100
    """Examples per update."""
    evaluations: int = 10  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """How many times a run is evaluated."""
    evaluation_size: int = 450  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Held-out images behind an evaluation; all of them at the end."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    subject: ClassVar[str] = "a classifier, read as a stochastic network"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "width", "depth", "passes", "batch", "evaluations", "evaluation_size")

    @property
    def headline(self) -> str:
        return "ece"

    def outline(self) -> dict[str, str]:
        side = {"digits": 8, "mnist": 28}[self.source]
        return {"layers": "-".join(map(str, (side**2, *(self.width,) * self.depth, 10)))}

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.tied.classifier import build

        return build(self, seed=seed)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.tied.classifier import examine

        return examine(built.task, model, key=key)
