"""The rules by which the two directions learn, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    from vestige.rules import AbstractProposal, AbstractRule


@dataclasses.dataclass(frozen=True)
class AbstractLearning(abc.ABC):
    """A rule."""

    @abc.abstractmethod
    def build(self) -> "AbstractRule":
        """The rule."""


def _part(owner: object, name: str) -> None:
    if not 0 <= getattr(owner, name) <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {getattr(owner, name)}")


def _proposal(gain: float) -> "AbstractProposal":
    from vestige.rules import Guided, Upward

    return Guided(gain) if gain else Upward()


@dataclasses.dataclass(frozen=True)
class WakeSleep(AbstractLearning):
    """Each direction learns from states that the other sampled."""

    gain: float = 0.0
    """How much a known label takes part when hidden layers are sampled in the wake phase."""
    real: float = 0.0
    """Part of the recognition update that comes from real data instead of dreams."""
    reading: float = 0.0
    """Weight of a local update of the last connection on real labels."""

    def __post_init__(self):
        _part(self, "real")
        at_least(self, 0, "gain", "reading")

    def build(self) -> "AbstractRule":
        from vestige import rules

        return rules.WakeSleep(_proposal(self.gain), self.real, self.reading)


@dataclasses.dataclass(frozen=True)
class Reweighted(AbstractLearning):
    """Wake-sleep with weighted samples."""

    samples: int = 5
    """K."""
    real: float = 0.5
    """Part of the recognition update that comes from real data instead of dreams."""
    gain: float = 0.0
    """How much a known label takes part when hidden layers are sampled in the wake phase."""
    reading: float = 0.0
    """Weight of a local update of the last connection on real labels."""

    def __post_init__(self):
        at_least(self, 1, "samples")
        at_least(self, 0, "gain", "reading")
        _part(self, "real")

    def build(self) -> "AbstractRule":
        from vestige import rules

        return rules.ReweightedWakeSleep(self.samples, self.real, _proposal(self.gain), self.reading)


@dataclasses.dataclass(frozen=True)
class Bidirectional(AbstractLearning):
    """The bidirectional Helmholtz machine."""

    samples: int = 5
    """K."""

    def __post_init__(self):
        at_least(self, 1, "samples")

    def build(self) -> "AbstractRule":
        from vestige import rules

        return rules.BidirectionalHelmholtz(self.samples)


@dataclasses.dataclass(frozen=True)
class Variational(AbstractLearning):
    """The evidence lower bound by the score function (NVIL)."""

    samples: int = 1
    """Draws for an example."""

    def __post_init__(self):
        at_least(self, 1, "samples")

    def build(self) -> "AbstractRule":
        from vestige import rules

        return rules.NVIL(samples=self.samples)


@dataclasses.dataclass(frozen=True)
class MultiSample(AbstractLearning):
    """The K-sample bound by the score function (VIMCO)."""

    samples: int = 5
    """K."""

    def __post_init__(self):
        at_least(self, 2, "samples")

    def build(self) -> "AbstractRule":
        from vestige import rules

        return rules.VIMCO(self.samples)


@dataclasses.dataclass(frozen=True)
class Hybrid(AbstractLearning):
    """Wake-sleep and a back-propagated label term."""

    weight: float = 10.0
    """Of the label term."""
    recognition: Literal["ap1", "ap2"] = "ap1"
    """ap1: the plain forward pass. ap2: variances are carried along."""
    samples: int = 1
    """1: wake-sleep; more: reweighted wake-sleep with as many."""

    def __post_init__(self):
        at_least(self, 0, "weight")
        at_least(self, 1, "samples")

    def build(self) -> "AbstractRule":
        from vestige import rules
        from vestige.models.tied import PlainForward, VariancePropagation

        passes = {"ap1": PlainForward, "ap2": VariancePropagation}
        generative = rules.WakeSleep() if self.samples == 1 else rules.ReweightedWakeSleep(self.samples)
        return rules.Hybrid(generative, self.weight, passes[self.recognition]())


@dataclasses.dataclass(frozen=True)
class Exact(AbstractLearning):
    """The likelihood itself, for nets small enough to be enumerated."""

    def build(self) -> "AbstractRule":
        from vestige import rules

        return rules.ExactLikelihood()


Rule = WakeSleep | Reweighted | Bidirectional | Variational | MultiSample | Hybrid | Exact

RULES: Mapping[str, Rule] = {
    "wake-sleep": WakeSleep(),
    "rws": Reweighted(),
    "rws-guided": Reweighted(gain=0.2, reading=1.0),
    "bihm": Bidirectional(),
    "nvil": Variational(),
    "vimco": MultiSample(),
    "hybrid": Hybrid(),
    "exact": Exact(),
}
"""What `--rule NAME` stands for."""
