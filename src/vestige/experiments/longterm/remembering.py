"""What the experiments with a long-term memory have in common, whatever it must remember; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from vestige.experiments.abilities import AbstractTaught
from vestige.experiments.checks import at_least
from vestige.experiments.longterm.rules import RULES, MemUP, Rule
from vestige.experiments.optimisers import Adam, Muon

OPTIMISERS: Mapping[str, Adam | Muon] = {"adam": Adam(1e-3, "constant", 0), "muon": Muon()}
"""What `--optimiser NAME` stands for."""


@dataclasses.dataclass(frozen=True)
class AbstractRemembering(AbstractTaught):
    """A rule teaches a memory what to keep."""

    rule: Rule = dataclasses.field(default_factory=MemUP, kw_only=True)
    rollout: int = dataclasses.field(default=10, kw_only=True)
    """Steps that the gradient goes back, for rules that do not read a sequence whole."""
    targets: int = dataclasses.field(default=1, kw_only=True)
    """Later steps about which a rollout is asked, for rules that ask."""
    optimiser: Adam | Muon = dataclasses.field(default_factory=lambda: OPTIMISERS["adam"], kw_only=True)
    steps: int = dataclasses.field(default=6000, kw_only=True)
    """Updates."""
    batch: int = dataclasses.field(default=64, kw_only=True)
    """Sequences under way at once."""
    evaluations: int = dataclasses.field(default=30, kw_only=True)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """How many times the memory is judged while it learns."""
    evaluation_size: int = dataclasses.field(default=128, kw_only=True)  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """Sequences per evaluation."""

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {"rule": RULES, "optimiser": OPTIMISERS}
    variation: ClassVar[str] = "rule"

    def __post_init__(self):
        at_least(self, 0, "steps")
        at_least(self, 1, "batch", "rollout", "targets", "evaluations", "evaluation_size")
