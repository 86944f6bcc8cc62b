"""The models of experiments with filters, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from vestige.experiments.checks import at_least, positive
from vestige.experiments.filtering.own import Own
from vestige.experiments.filtering.rules import AbstractLearning, Foresight, Local, ThroughTime, TransitionOnly
from vestige.experiments.optimisers import Adam, MassSpringDamper

if TYPE_CHECKING:
    from vestige.models.families import AbstractFamily
    from vestige.models.filters import AbstractFilter, AbstractLatent
    from vestige.rules import AbstractFit
    from vestige.typing import Key


@dataclasses.dataclass(frozen=True)
class AbstractModel(abc.ABC):
    """A model that goes forward in time, and the rule that goes with its name."""

    @property
    @abc.abstractmethod
    def rule(self) -> AbstractLearning:
        """By which it is trained where nothing else is said."""

    @abc.abstractmethod
    def optimiser(self, masses: MassSpringDamper) -> Adam | MassSpringDamper:
        """With which it learns where nothing else is said, on data for which a harmonium has these masses."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Units of its state."""

    @abc.abstractmethod
    def build(self, family: "AbstractFamily", *, key: "Key") -> "AbstractFilter":
        """The model of observations of that family."""

    @abc.abstractmethod
    def fit(self) -> "AbstractFit":
        """How the density of a step is fitted."""

    @property
    def lags(self) -> tuple[int, ...]:
        """Steps ahead that it can foretell."""
        return ()


@dataclasses.dataclass(frozen=True)
class AbstractHarmonium(AbstractModel):
    """A recurrent harmonium; which one is a matter of its rule."""

    hidden: int = 240
    """Bits."""
    sweeps: int = 1
    """n of CD-n."""
    noise: float = 0.0
    """Share of the negative chains that start far from the data."""
    sampled: bool = False
    """Whether the positive statistics have hidden bits, as the authors' program has, or their means: less noise."""
    chains: int = 16
    """Of annealed importance sampling, for a predictive likelihood."""
    annealing: int = 100
    """Its steps."""

    def __post_init__(self):
        at_least(self, 1, "hidden", "sweeps", "chains", "annealing")
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise must be in [0, 1], got {self.noise}")

    def optimiser(self, masses: MassSpringDamper) -> MassSpringDamper:
        return masses

    @property
    def size(self) -> int:
        return self.hidden

    def build(self, family: "AbstractFamily", *, key: "Key") -> "AbstractFilter":
        from vestige.models.harmonium import AnnealedLikelihood, RecurrentHarmonium

        likelihood = AnnealedLikelihood(self.chains, self.annealing)
        return RecurrentHarmonium(family, self.hidden, likelihood=likelihood, key=key)

    def fit(self) -> "AbstractFit":
        from vestige.rules import Contrastive

        return Contrastive(self.sweeps, self.noise, self.sampled)


@dataclasses.dataclass(frozen=True)
class REFH(AbstractHarmonium):
    """The recurrent exponential-family harmonium: previous state and observation are data alike."""

    @property
    def rule(self) -> AbstractLearning:
        return Local(clip=None)


@dataclasses.dataclass(frozen=True)
class TRBM(AbstractHarmonium):
    """The temporal restricted Boltzmann machine: the previous state is given."""

    @property
    def rule(self) -> AbstractLearning:
        return TransitionOnly(clip=None)


@dataclasses.dataclass(frozen=True)
class RTRBM(AbstractHarmonium):
    """The same with gradients through time."""

    @property
    def rule(self) -> AbstractLearning:
        return ThroughTime(clip=None)


@dataclasses.dataclass(frozen=True)
class Deep(AbstractHarmonium):
    """An rEFH on top of static harmoniums, each of which sees the means of the one below."""

    below: int = 120
    """Bits of each of the static ones."""
    layers: int = 1
    """How many of them there are."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "below", "layers")

    @property
    def rule(self) -> AbstractLearning:
        return Local(clip=None)

    def build(self, family: "AbstractFamily", *, key: "Key") -> "AbstractFilter":
        from vestige.models.harmonium import AnnealedLikelihood, DeepHarmonium

        likelihood = AnnealedLikelihood(self.chains, self.annealing)
        widths = (*[self.below] * self.layers, self.hidden)
        return DeepHarmonium(family, widths, likelihood=likelihood, key=key)


@dataclasses.dataclass(frozen=True)
class AbstractRVAE(AbstractModel):
    """A recurrent variational autoencoder (a reconstruction: the published architecture is not known)."""

    hidden: int = 32
    """Numbers of the state."""
    width: int = 128
    """Hidden units of each net."""
    weight: float = 1.0
    """Of the state head's term."""
    horizon: int = 5
    """It foretells 1, 2, 4, … steps ahead, so many in all; 0: nothing."""
    longest: float = 64.0
    """The longest time constant that an untrained state has, in steps; the shortest is one."""
    noise: Literal["learned", "heavy-tailed", "fixed"] = "learned"
    """Of the observation: a scale for every real number (counts: Poisson), Student-t (counts: negative binomial), or
    that of the task's own family, which for real numbers has variance 1."""

    def __post_init__(self):
        at_least(self, 2, "hidden")
        at_least(self, 1, "width", "longest")
        at_least(self, 0, "weight", "horizon")

    @abc.abstractmethod
    def latent(self) -> "AbstractLatent":
        """What stands between encoder and decoder."""

    @property
    def rule(self) -> AbstractLearning:
        return Foresight(pair=False) if self.horizon else Local()

    def optimiser(self, masses: MassSpringDamper) -> Adam:
        return Adam(1e-3, "cosine", 0)

    @property
    def size(self) -> int:
        return self.hidden

    @property
    def lags(self) -> tuple[int, ...]:
        return tuple(2**n for n in range(self.horizon))

    def build(self, family: "AbstractFamily", *, key: "Key") -> "AbstractFilter":
        from vestige.models.families import with_noise
        from vestige.models.filters import RecurrentVAE

        return RecurrentVAE(
            with_noise(family, self.noise),
            self.hidden,
            latent=self.latent(),
            width=self.width,
            weight=self.weight,
            lags=self.lags,
            longest=self.longest,
            key=key,
        )

    def fit(self) -> "AbstractFit":
        from vestige.rules import Bound

        return Bound()


@dataclasses.dataclass(frozen=True)
class RVAE(AbstractRVAE):
    """A recurrent variational autoencoder of real numbers."""

    floor: float = 0.1
    """Least standard deviation of the state head."""
    normalised: bool = False
    """Whether that tells the state with mean 0 and variance 1 over its units."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "floor")

    def latent(self) -> "AbstractLatent":
        from vestige.models.filters import Numbers

        return Numbers(self.hidden, self.floor, normalised=self.normalised)


@dataclasses.dataclass(frozen=True)
class BinaryRVAE(AbstractRVAE):
    """The same of bits, whose means are the state; their gradient is unbiased (leave-one-out)."""

    draws: int = 8
    """Of the bits at a step, at least 2."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "draws")

    def latent(self) -> "AbstractLatent":
        from vestige.estimators import LeaveOneOut
        from vestige.models.filters import Bits

        return Bits(self.hidden, LeaveOneOut(self.draws))


@dataclasses.dataclass(frozen=True)
class StraightRVAE(AbstractRVAE):
    """The same with a biased gradient (straight-through), for comparison."""

    draws: int = 1
    """Of the bits at a step."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "draws")

    def latent(self) -> "AbstractLatent":
        from vestige.estimators import BiasedStraightThrough
        from vestige.models.filters import Bits

        return Bits(self.hidden, BiasedStraightThrough(draws=self.draws))


@dataclasses.dataclass(frozen=True)
class Factor(AbstractModel):
    """Factor analysis of previous state and observation: linear, and solvable."""

    hidden: int = 1
    """Factors."""

    def __post_init__(self):
        at_least(self, 1, "hidden")

    @property
    def rule(self) -> AbstractLearning:
        return Local()

    def optimiser(self, masses: MassSpringDamper) -> Adam:
        return Adam(3e-3, "cosine", 0)

    @property
    def size(self) -> int:
        return self.hidden

    def build(self, family: "AbstractFamily", *, key: "Key") -> "AbstractFilter":
        from vestige.models.families import UnitGaussian
        from vestige.models.filters import FactorFilter

        if not isinstance(family, UnitGaussian):
            raise ValueError(
                f"model factor: observations must be real numbers, got {type(family).__name__}; "
                "--model refh takes those"
            )
        return FactorFilter(family.size, self.hidden, key=key)

    def fit(self) -> "AbstractFit":
        from vestige.rules import Likelihood

        return Likelihood()


Model = REFH | TRBM | RTRBM | Deep | RVAE | BinaryRVAE | StraightRVAE | Factor

MODELS: Mapping[str, Model] = {
    "refh": REFH(),
    "trbm": TRBM(),
    "rtrbm": RTRBM(),
    "deep": Deep(),
    "rvae": RVAE(),
    "rvae-bits": BinaryRVAE(),
    "rvae-straight": StraightRVAE(),
    "factor": Factor(),
}
"""What `--model NAME` stands for."""

Optimiser = Own | Adam | MassSpringDamper

OPTIMISERS: Mapping[str, Optimiser] = {
    "own": Own(),
    "adam": Adam(1e-3, "cosine", 0),
    "mass-spring-damper": MassSpringDamper(),
}
"""What `--optimiser NAME` stands for."""
