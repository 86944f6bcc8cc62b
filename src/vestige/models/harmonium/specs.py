"""The recurrent harmoniums, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import at_least, between, positive
from vestige.models.filters.spec import FilterSpec, Observed
from vestige.models.spec import ModelSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.models.filters.contract import AbstractFilter
    from vestige.models.harmonium.likelihood import AnnealedLikelihood
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class AbstractHarmoniumSpec(FilterSpec):
    """A recurrent harmonium, trained by contrastive divergence; which one it is, is a matter of its rule."""

    hidden: int = 240
    """Bits of the state."""
    sweeps: int = 1
    """n of CD-n, sweeps of Gibbs sampling."""
    noise: float = 0.0
    """Share of the negative chains that start far from the data."""
    sampled: bool = False
    """Whether the positive statistics have hidden bits, as the authors' program has, or their means: less noise."""
    sparsity: float = 0.0
    """Weight of the cross-entropy that keeps the hidden means near `activity`, nats; 0.2 for spike counts in rbmish."""
    activity: float = 0.05
    """Mean of the hidden bits that sparsity aims at."""
    chains: int = 16
    """Of annealed importance sampling, for a predictive likelihood."""
    annealing: int = 100
    """Its steps."""

    part: ClassVar[str] = "vestige.models.harmonium.recurrent:RecurrentHarmonium"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "hidden", "sweeps", "chains", "annealing")
        between(self, 0, 1, "noise")
        at_least(self, 0, "sparsity")
        between(self, 0, 1, "activity", open_end=True)
        positive(self, "activity")

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "mass-spring-damper"}

    @property
    def step_objective(self) -> Mapping[str, Any]:
        names = ("sweeps", "noise", "sampled", "sparsity", "activity")
        return {"name": "contrastive-divergence", **{name: getattr(self, name) for name in names}}

    @property
    def state_size(self) -> int:
        return self.hidden

    def likelihood(self) -> "AnnealedLikelihood":
        """How the likelihood of an observation is obtained.

        **Returns:** annealed importance sampling with `chains` and `annealing`.
        """
        return load("vestige.models.harmonium.likelihood:AnnealedLikelihood")(self.chains, self.annealing)

    def build(self, task: Observed, *, key: "Key") -> "AbstractFilter":
        return load(self.part)(task.family, self.hidden, likelihood=self.likelihood(), key=key)


@dataclasses.dataclass(frozen=True)
class REFHSpec(AbstractHarmoniumSpec):
    """The recurrent exponential-family harmonium: previous state and observation are data alike."""

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "local"}


@dataclasses.dataclass(frozen=True)
class TRBMSpec(AbstractHarmoniumSpec):
    """The temporal restricted Boltzmann machine: the previous state is given."""

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "transition"}


@dataclasses.dataclass(frozen=True)
class RTRBMSpec(AbstractHarmoniumSpec):
    """The recurrent temporal restricted Boltzmann machine: a TRBM with gradients through time."""

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "through-time"}


@dataclasses.dataclass(frozen=True)
class DeepHarmoniumSpec(AbstractHarmoniumSpec):
    """An rEFH on top of static harmoniums, each of which sees the means of the one below."""

    below: int = 120
    """Bits of each of the static ones."""
    layers: int = 1
    """How many of them there are."""

    part: ClassVar[str] = "vestige.models.harmonium.deep:DeepHarmonium"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "below", "layers")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "local"}

    def build(self, task: Observed, *, key: "Key") -> "AbstractFilter":
        widths = (*[self.below] * self.layers, self.hidden)
        return load(self.part)(task.family, widths, likelihood=self.likelihood(), key=key)


HARMONIUMS: Mapping[str, ModelSpec] = {
    "refh": REFHSpec(),
    "trbm": TRBMSpec(),
    "rtrbm": RTRBMSpec(),
    "deep": DeepHarmoniumSpec(),
}
