"""The rules by which two directions learn from each other, as options; nothing here imports JAX."""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from vestige.checks import at_least, between
from vestige.estimators.specs import BaselineSpec, RunningMeanSpec
from vestige.rules.spec import RuleSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.rules.contract import AbstractRule
    from vestige.rules.tied.proposals import AbstractProposal

ENUMERABLE = 20  # hidden bits that can be summed over


@runtime_checkable
class CountsHiddenBits(Protocol):
    """The options of a model that know how many hidden bits it will have on a task."""

    def hidden_bits(self, task: Any) -> int:
        """Bits of all hidden layers together.

        **Arguments:**

        - `task`: a `TaskSpec`.

        **Returns:** their number.
        """
        ...


@dataclasses.dataclass(frozen=True)
class AbstractTwoWaySpec(RuleSpec):
    """A rule for a recognition and a generation network over the same layers."""

    needs: ClassVar[str] = "two directions"

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return self.make()


@dataclasses.dataclass(frozen=True)
class AbstractWakeSpec(AbstractTwoWaySpec):
    """A rule whose wake phase can let known labels take part."""

    gain: float = 0.0
    """How much a known label takes part when hidden layers are sampled in the wake phase; 0: not at all."""
    real: float = 0.0
    """Part of the recognition update that comes from real data instead of sleep phase samples."""
    reading: float = 0.0
    """Weight of a local update of the last connection on real labels."""

    def __post_init__(self):
        super().__post_init__()
        between(self, 0, 1, "real")
        at_least(self, 0, "gain", "reading")

    def proposal(self) -> "AbstractProposal":
        """What samples hidden layers in the wake phase.

        **Returns:** `Guided` with this gain, or `Upward` where the gain is 0.
        """
        where = "vestige.rules.tied.proposals"
        return load(f"{where}:Guided")(self.gain) if self.gain else load(f"{where}:Upward")()


@dataclasses.dataclass(frozen=True)
class WakeSleepSpec(AbstractWakeSpec):
    """Each direction learns from states that the other sampled."""

    part: ClassVar[str] = "vestige.rules.tied.wake_sleep:WakeSleep"

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return load(self.part)(self.proposal(), self.real, self.reading)


@dataclasses.dataclass(frozen=True)
class ReweightedWakeSleepSpec(AbstractWakeSpec):
    """Wake-sleep with weighted samples."""

    real: float = 0.5
    """Part of the recognition update that comes from real data instead of sleep phase samples."""
    samples: int = 5
    """K."""

    part: ClassVar[str] = "vestige.rules.tied.reweighted:ReweightedWakeSleep"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "samples")

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return load(self.part)(self.samples, self.real, self.proposal(), self.reading)


@dataclasses.dataclass(frozen=True)
class BidirectionalHelmholtzSpec(AbstractTwoWaySpec):
    """The bidirectional Helmholtz machine."""

    samples: int = 5
    """K."""

    part: ClassVar[str] = "vestige.rules.tied.bihm:BidirectionalHelmholtz"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "samples")


@dataclasses.dataclass(frozen=True)
class NVILSpec(AbstractTwoWaySpec):
    """The evidence lower bound by the score function (NVIL)."""

    baseline: BaselineSpec = dataclasses.field(default=RunningMeanSpec())
    samples: int = 1
    """Draws for an example."""
    rate: float = 0.1
    """Step size of the baseline; of a running mean, one minus its decay."""
    decay: float | None = 0.9
    """Of the running variance by which learning signals are divided; None: they are not."""
    local: bool = True
    """Every layer gets the part of the signal that depends on it; otherwise the whole, which is noisier."""

    part: ClassVar[str] = "vestige.rules.tied.nvil:NVIL"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "samples")
        at_least(self, 0, "rate")
        between(self, 0, 1, "decay", open_end=True)
        if self.samples < self.baseline.least_draws:
            raise ValueError(
                f"samples must be at least {self.baseline.least_draws} with this baseline, got {self.samples}"
            )

    def build(self, model: Any, task: Any) -> "AbstractRule":
        return self.make(baseline=self.baseline.build())


@dataclasses.dataclass(frozen=True)
class VIMCOSpec(AbstractTwoWaySpec):
    """The K-sample bound by the score function (VIMCO)."""

    samples: int = 5
    """K."""

    part: ClassVar[str] = "vestige.rules.tied.vimco:VIMCO"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "samples")


@dataclasses.dataclass(frozen=True)
class HybridSpec(AbstractTwoWaySpec):
    """Wake-sleep and a back-propagated label term."""

    weight: float = 1.0
    """Of the label term."""
    recognition: Literal["ap1", "ap2"] = "ap1"
    """ap1: the plain forward pass. ap2: variances are carried along."""
    samples: int = 1
    """1: wake-sleep; more: reweighted wake-sleep with as many."""

    part: ClassVar[str] = "vestige.rules.tied.hybrid:Hybrid"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "weight")
        at_least(self, 1, "samples")

    def build(self, model: Any, task: Any) -> "AbstractRule":
        generative = WakeSleepSpec() if self.samples == 1 else ReweightedWakeSleepSpec(samples=self.samples)
        passes = {"ap1": "PlainForward", "ap2": "VariancePropagation"}
        recognition = load(f"vestige.models.tied.recognition:{passes[self.recognition]}")()
        return load(self.part)(generative.build(model, task), self.weight, recognition)


@dataclasses.dataclass(frozen=True)
class ExactLikelihoodSpec(AbstractTwoWaySpec):
    """The likelihood itself, for nets small enough to be enumerated."""

    real: float = 1.0
    """Weight of the recognition update; 0: the gradient of the likelihood alone."""

    part: ClassVar[str] = "vestige.rules.tied.exact:ExactLikelihood"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "real")

    def check(self, model: Any, task: Any) -> None:
        if isinstance(model, CountsHiddenBits) and (hidden := model.hidden_bits(task)) > ENUMERABLE:
            raise ValueError(
                f"rule exact sums over all hidden states: at most {ENUMERABLE} hidden bits, got {hidden}; use rule rws"
            )


TWO_WAY_RULES = {
    "wake-sleep": WakeSleepSpec(),
    "rws": ReweightedWakeSleepSpec(),
    "rws-guided": ReweightedWakeSleepSpec(gain=0.2, reading=1.0),
    "bihm": BidirectionalHelmholtzSpec(),
    "nvil": NVILSpec(),
    "vimco": VIMCOSpec(),
    "hybrid": HybridSpec(10.0),
    "exact": ExactLikelihoodSpec(),
}
