"""By which rules the memory may be trained, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    from vestige.rules import AbstractRule

CHUNK = 105  # steps that a survey reads at a time


@dataclasses.dataclass(frozen=True)
class AbstractLearning(abc.ABC):
    """A rule, still to be told how long a rollout is."""

    @abc.abstractmethod
    def build(self, *, rollout: int) -> "AbstractRule":
        """The rule."""


@dataclasses.dataclass(frozen=True)
class MemUP(AbstractLearning):
    """Rollouts that are asked about later steps whose reward surprises whoever has no memory."""

    targets: int = 4
    """How many."""
    frequency: int = 10
    """Steps between two points of a rollout at which it is asked."""

    def __post_init__(self):
        at_least(self, 1, "targets", "frequency")

    def build(self, *, rollout: int) -> "AbstractRule":
        from vestige import rules

        return rules.MemUP(rollout, self.targets, frequency=self.frequency, scan_chunk=CHUNK)


@dataclasses.dataclass(frozen=True)
class Truncated(AbstractLearning):
    """Back-propagation through time, cut after every rollout: no rollout is asked about what lies beyond it."""

    def build(self, *, rollout: int) -> "AbstractRule":
        from vestige import rules

        return rules.Truncated(rollout)


Rule = MemUP | Truncated

RULES: Mapping[str, Rule] = {"memup": MemUP(), "truncated": Truncated()}
"""What `--rule NAME` stands for."""
