"""What may be set of a toy experiment; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.experiments.checks import at_least
from vestige.experiments.contract import AbstractOptions, Built, Findings
from vestige.experiments.optimisers import Adam
from vestige.experiments.toy.estimators import ESTIMATORS, Estimator, LeaveOneOut
from vestige.experiments.toy.problems import Matching, Problem

if TYPE_CHECKING:
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class Toy(AbstractOptions):
    """Rates that are learned so that a random structure costs little."""

    problem: Problem = dataclasses.field(default_factory=Matching)
    estimator: Estimator = dataclasses.field(default_factory=LeaveOneOut)
    optimiser: Adam = dataclasses.field(default_factory=lambda: Adam(0.01, "constant", 0))
    steps: int = 1500
    """Updates."""
    batch: int = 1
    """Gradient estimates per update, each of as many evaluations as the estimator draws."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"estimator": ESTIMATORS}
    subject: ClassVar[str] = "a distribution over structures"
    variation: ClassVar[str] = "estimator"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "batch")

    @property
    def headline(self) -> str:
        return "loss"

    @property
    def evaluations(self) -> int:
        return 30

    @property
    def evaluation_size(self) -> int:
        return 1024

    def outline(self) -> dict[str, str]:
        return {"n": str(self.problem.n), "evaluations": str(self.estimator.draws * self.batch)}

    def build(self, *, seed: int) -> Built:
        from vestige.experiments.toy.build import build

        return build(self, seed=seed)

    def examine(self, built: Built, model: Any, *, key: "Key") -> Findings:
        from vestige.experiments.toy.examine import examine

        return examine(built.task, model, size=self.evaluation_size, key=key)
