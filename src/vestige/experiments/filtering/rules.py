"""The rules by which a filter may be trained, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from vestige.experiments.checks import positive
from vestige.experiments.filtering.own import Own

if TYPE_CHECKING:
    from vestige.rules import AbstractRule, AbstractStepObjective


@dataclasses.dataclass(frozen=True)
class AbstractLearning(abc.ABC):
    """A rule, still to be told how a density is fitted and how many steps an update takes."""

    clip: float | None = 5.0
    """Global norm at which the gradient is clipped; None leaves it alone."""

    def __post_init__(self):
        positive(self, "clip")

    @abc.abstractmethod
    def build(self, fit: "AbstractStepObjective", *, chunk: int, lags: tuple[int, ...]) -> "AbstractRule":
        """The rule, for a model that foretells `lags`."""


@dataclasses.dataclass(frozen=True)
class Local(AbstractLearning):
    """Fit p(previous state, observation) at each step; no gradient crosses time."""

    slow: float | None = None
    """Decay of a slow copy of the model that makes the states; None: none."""

    def __post_init__(self):
        super().__post_init__()
        if self.slow is not None and not 0 <= self.slow < 1:
            raise ValueError(f"slow must be in [0, 1), got {self.slow}")

    def build(self, fit: "AbstractStepObjective", *, chunk: int, lags: tuple[int, ...]) -> "AbstractRule":
        from vestige.rules import JointTarget, TemporallyLocal

        return TemporallyLocal(fit, JointTarget(), chunk, self.slow, self.clip)


@dataclasses.dataclass(frozen=True)
class TransitionOnly(AbstractLearning):
    """Fit p(observation | previous state) at each step; no gradient crosses time, and nothing asks for a memory."""

    def build(self, fit: "AbstractStepObjective", *, chunk: int, lags: tuple[int, ...]) -> "AbstractRule":
        from vestige.rules import TemporallyLocal, TransitionTarget

        return TemporallyLocal(fit, TransitionTarget(), chunk, None, self.clip)


@dataclasses.dataclass(frozen=True)
class Foresight(AbstractLearning):
    """As either of them, with later observations as data of the step too; no gradient crosses time."""

    pair: bool = True
    """Whether the previous state is data, or given."""

    def build(self, fit: "AbstractStepObjective", *, chunk: int, lags: tuple[int, ...]) -> "AbstractRule":
        from vestige import rules

        if not lags:
            raise ValueError(
                "rule foresight: the model foretells nothing; take --model rvae with a horizon of 1 or more"
            )
        of = rules.JointTarget() if self.pair else rules.TransitionTarget()
        return rules.TemporallyLocal(fit, rules.MultiStepTarget(lags, of), chunk, None, self.clip)


@dataclasses.dataclass(frozen=True)
class Shuffled(AbstractLearning):
    """As local, with the previous states of other sequences: an ablation, in which nothing asks for a memory."""

    def build(self, fit: "AbstractStepObjective", *, chunk: int, lags: tuple[int, ...]) -> "AbstractRule":
        from vestige import rules

        if chunk != 1:
            raise ValueError(f"rule shuffled: an update is one step, got chunk {chunk}; say --chunk 1")
        return rules.Shuffled(rules.TemporallyLocal(fit, rules.JointTarget(), chunk, None, self.clip))


@dataclasses.dataclass(frozen=True)
class ThroughTime(AbstractLearning):
    """Back-propagation through the states of a chunk."""

    reading: Literal["transition", "pair"] = "transition"
    """What is fitted at each step."""

    def build(self, fit: "AbstractStepObjective", *, chunk: int, lags: tuple[int, ...]) -> "AbstractRule":
        from vestige import rules

        if chunk < 2:
            raise ValueError(
                f"rule bptt: gradients go through the steps of an update, at least 2, got {chunk}; say --chunk 20, and "
                "fewer --steps, since an update then takes so many times the data"
            )
        readings = {"transition": rules.TransitionTarget, "pair": rules.JointTarget}
        return rules.ThroughTime(fit, readings[self.reading](), chunk, self.clip)


Rule = Own | Local | TransitionOnly | Foresight | Shuffled | ThroughTime

RULES: Mapping[str, Rule] = {
    "own": Own(),
    "local": Local(),
    "transition": TransitionOnly(),
    "foresight": Foresight(),
    "shuffled": Shuffled(),
    "bptt": ThroughTime(),
}
"""What `--rule NAME` stands for."""
