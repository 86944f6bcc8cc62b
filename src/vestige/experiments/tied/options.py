"""What may be set of an experiment with a recognition and a generation network; nothing here imports JAX."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.abilities import AbstractTaught
from vestige.experiments.checks import at_least, positive
from vestige.experiments.contract import Built, Findings
from vestige.experiments.optimisers import Adam
from vestige.experiments.tied.data import BarsAndStripes, Data
from vestige.experiments.tied.layers import shapes
from vestige.experiments.tied.rules import RULES, Rule, WakeSleep
from vestige.experiments.tied.ties import TIES, FullyTied, Tying

if TYPE_CHECKING:
    from vestige.typing import Key

ENUMERABLE = 20  # hidden bits that can be summed over


@dataclasses.dataclass(frozen=True)
class Tied(AbstractTaught):
    """One stack of weights, upward to recognise and downward to generate."""

    data: Data = dataclasses.field(default_factory=BarsAndStripes)
    layers: str = "8-4"
    """Bits of the hidden layers, from the data upward; first, if wanted, filters: 8c5s2 for 8 of 5 x 5 pixels with a
    stride of 2 (p1: and a border of 1). Where data have classes, these stand on top."""
    tie: Tying = dataclasses.field(default_factory=FullyTied)
    rule: Rule = dataclasses.field(default_factory=WakeSleep)
    scale: float = 0.1
    """Standard deviation of the first weights."""
    samples: int = 200
    """Importance samples of a held-out image behind the likelihood while training; ten times as many at the end."""
    optimiser: Adam = dataclasses.field(default_factory=lambda: Adam(5e-3, "tenth", 0))
    steps: int = 12_000
    """Updates."""
    batch: int = 100
    """Examples per update."""
    evaluations: int = 10  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """How many times a run is evaluated."""
    evaluation_size: int = 450  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Held-out images behind an evaluation; all of them at the end."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"rule": RULES, "tie": TIES}
    subject: ClassVar[str] = "a recognition and a generation network"
    variation: ClassVar[str] = "rule"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "samples", "batch", "evaluations", "evaluation_size")
        positive(self, "scale")
        hidden = self.hidden
        if isinstance(self.data, BarsAndStripes) and hidden > ENUMERABLE:
            raise ValueError(
                f"layers: bars and stripes are judged by enumeration, at most {ENUMERABLE} hidden bits, got "
                f"{self.layers}"
            )

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the hidden layers, from the data upward. **Raises** `ValueError` where `layers` cannot be read."""
        return shapes(self.layers, self.data.side)

    @property
    def hidden(self) -> int:
        """Bits of all hidden layers together."""
        return sum(map(math.prod, self.shapes))

    @property
    def headline(self) -> str:
        return "nll"

    def outline(self) -> dict[str, str]:
        top = "" if self.data.classes is None else f"-{self.data.classes}"
        return {"layers": f"{self.data.side**2}-{self.layers}{top}", "rule": type(self.rule).__name__}

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.tied.build import build

        return build(self, seed=seed)

    def rehearsal(self, *, seed: int) -> Built:
        from vestige.experiments.tied.build import rehearse

        return rehearse(self, seed=seed)

    def cycle(self, built: Built) -> int:
        return 1

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.tied.examine import examine

        return examine(self, built.task, model, key=key)
