"""The recurrent autoencoder and the factor filter, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import at_least, positive
from vestige.models.filters.spec import FilterSpec, Observed
from vestige.models.spec import ModelSpec
from vestige.spec import load

if TYPE_CHECKING:
    from vestige.models.filters.autoregressive import Autoregressive
    from vestige.models.filters.contract import AbstractFilter
    from vestige.models.filters.latents import AbstractLatent
    from vestige.models.filters.recursion import AbstractRecursion
    from vestige.typing import Key

CLIP = 5.0  # of the gradient's global norm


@dataclasses.dataclass(frozen=True)
class AbstractRVAESpec(FilterSpec):
    """A recurrent variational autoencoder (a reconstruction: the published architecture is not known)."""

    hidden: int = 32
    """Numbers of the state."""
    width: int = 128
    """Hidden units of each net."""
    weight: float = 1.0
    """Of the state head's term."""
    horizon: int = 5
    """It predicts 1, 2, 4, … steps ahead, this many in all; 0: none, which needs another rule (--rule local)."""
    longest: float = 64.0
    """The longest time constant that an untrained state has, in steps; the shortest is one."""
    noise: Literal["learned", "heavy-tailed", "fixed"] = "learned"
    """Of the observation: a scale for every real number (counts: Poisson), Student-t (counts: negative binomial), or
    that of the task's own family, which for real numbers has variance 1."""

    part: ClassVar[str] = "vestige.models.filters.vae:RecurrentVAE"
    suits: ClassVar[Mapping[str, Any]] = {"clip": CLIP}

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "hidden")
        at_least(self, 1, "width", "longest")
        at_least(self, 0, "weight", "horizon")

    @abc.abstractmethod
    def latent(self) -> "AbstractLatent":
        """What stands between encoder and decoder.

        **Returns:** numbers or bits, `hidden` of them.
        """

    @property
    def default_rule(self) -> Mapping[str, Any]:
        if self.horizon:
            return {"name": "multi-step", "target": "transition", "clip": CLIP}
        return {"name": "local", "clip": CLIP}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam"}

    @property
    def step_objective(self) -> Mapping[str, Any]:
        return {"name": "elbo"}

    @property
    def state_size(self) -> int:
        return self.hidden

    @property
    def lags(self) -> tuple[int, ...]:
        return tuple(2**n for n in range(self.horizon))

    def build(self, task: Observed, *, key: "Key") -> "AbstractFilter":
        return load(self.part)(
            load("vestige.models.families:with_noise")(task.family, self.noise),
            self.hidden,
            latent=self.latent(),
            width=self.width,
            weight=self.weight,
            lags=self.lags,
            longest=self.longest,
            key=key,
        )


@dataclasses.dataclass(frozen=True)
class RVAESpec(AbstractRVAESpec):
    """A recurrent variational autoencoder of real numbers."""

    floor: float = 0.1
    """Least standard deviation of the state head."""
    normalised: bool = False
    """Whether that describes the state with mean 0 and variance 1 over its units."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "floor")

    def latent(self) -> "AbstractLatent":
        return load("vestige.models.filters.latents:Numbers")(self.hidden, self.floor, normalised=self.normalised)


@dataclasses.dataclass(frozen=True)
class AbstractBitsSpec(AbstractRVAESpec):
    """A recurrent variational autoencoder of bits, whose means are the state."""

    draws: int = 1
    """Of the bits at a step."""

    estimator: ClassVar[str]
    """`module:Class` of the estimator of their gradient."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "draws")

    def latent(self) -> "AbstractLatent":
        estimator = load(self.estimator)(draws=self.draws)
        return load("vestige.models.filters.latents:Bits")(self.hidden, estimator)


@dataclasses.dataclass(frozen=True)
class BitsRVAESpec(AbstractBitsSpec):
    """A recurrent variational autoencoder of bits; their gradient is unbiased (leave-one-out)."""

    draws: int = 8
    """Of the bits at a step, at least 2."""

    estimator: ClassVar[str] = "vestige.estimators:LeaveOneOut"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "draws")


@dataclasses.dataclass(frozen=True)
class StraightRVAESpec(AbstractBitsSpec):
    """A recurrent variational autoencoder of bits with a biased gradient (straight-through), for comparison."""

    estimator: ClassVar[str] = "vestige.estimators:BiasedStraightThrough"


@dataclasses.dataclass(frozen=True)
class FactorSpec(FilterSpec):
    """Factor analysis of previous state and observation: linear, and solvable."""

    hidden: int = 1
    """Factors."""

    part: ClassVar[str] = "vestige.models.filters.factor:FactorFilter"
    suits: ClassVar[Mapping[str, Any]] = {"clip": CLIP}

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "hidden")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "local", "clip": CLIP}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam", "rate": 3e-3}

    @property
    def step_objective(self) -> Mapping[str, Any]:
        return {"name": "maximum-likelihood"}

    @property
    def state_size(self) -> int:
        return self.hidden

    def build(self, task: Observed, *, key: "Key") -> "AbstractFilter":
        from vestige.models.families import InPart, UnitGaussian, whole

        family = whole(task.family)
        if not isinstance(family, UnitGaussian):
            raise ValueError(
                f"model factor: observations must be real numbers, got {type(family).__name__}; "
                "--model refh takes those"
            )
        made = self.make(family.size, key=key)
        return made.seeing_parts() if isinstance(task.family, InPart) else made


@dataclasses.dataclass(frozen=True)
class AutoregressiveSpec(FilterSpec):
    """Ridge regression on the last observations, in closed form, and a net that learns what it misses."""

    order: int = 8
    """Observations that are looked back on; 0: the mean is the last one."""
    penalty: float = 0.1
    """Of the ridge regression, in units of the variances of values and changes."""
    toward: Literal["last-value", "mean"] = "last-value"
    """What the penalty draws the prediction to."""
    width: int = 64
    """Hidden units of the net; 0: the law around the mean alone is learned."""
    noise: Literal["learned", "heavy-tailed", "fixed"] = "learned"
    """Of the observation, as of the recurrent autoencoder (rvae)."""
    correlated: bool = False
    """Whether the noise of the values of a step is correlated, in closed form. For numbers."""
    horizon: int = 0
    """Steps ahead that are forecast by direct heads, linear regressions on each channel's own past; 0: every step of a
    forecast is fed back. For numbers."""
    direct_from: int = 1
    """The first of these steps; those before it are fed back."""
    window: int = 24
    """Steps before the last that direct heads look back on."""
    direct_penalty: float = 0.1
    """Of these regressions, in units of the variance of what they see."""
    pooled: bool = True
    """Whether all channels have one head."""

    part: ClassVar[str] = "vestige.models.filters.autoregressive:Autoregressive"
    suits: ClassVar[Mapping[str, Any]] = {"clip": CLIP}

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 0, "order", "width", "horizon")
        at_least(self, 1, "direct_from", "window")
        positive(self, "penalty", "direct_penalty")
        if self.direct_from > max(self.horizon, 1):
            raise ValueError(f"direct_from must be at most the horizon, {self.horizon}, got {self.direct_from}")

    @property
    def default_rule(self) -> Mapping[str, Any]:
        return {"name": "transition", "update_interval": 10, "clip": CLIP}

    @property
    def default_optimiser(self) -> Mapping[str, Any]:
        return {"name": "adam"}

    @property
    def step_objective(self) -> Mapping[str, Any]:
        return {"name": "maximum-likelihood"}

    @property
    def state_size(self) -> int:
        return max(self.order, 1)

    def build(self, task: Observed, *, key: "Key") -> "AbstractFilter":
        family = load("vestige.models.families:with_noise")(task.family, self.noise)
        options = {"order": self.order, "penalty": self.penalty, "toward": self.toward, "width": self.width}
        direct = None
        if self.horizon:
            of = load("vestige.models.filters.direct_heads:DirectOptions")
            direct = of(self.horizon, self.direct_from, self.window, self.direct_penalty, self.pooled)
        return load(self.part).fitted(family, task, **options, direct=direct, correlated=self.correlated, key=key)

    def recursion(self, model: "Autoregressive") -> "AbstractRecursion | None":
        if not self.order or not model.of_reals:
            return None
        of = load("vestige.models.filters.recursion:RecursiveLags")
        return of(model, penalty=self.penalty, toward=self.toward)


FILTERS: Mapping[str, ModelSpec] = {
    "rvae": RVAESpec(),
    "rvae-bits": BitsRVAESpec(),
    "rvae-straight": StraightRVAESpec(),
    "factor": FactorSpec(),
    "autoregressive": AutoregressiveSpec(),
}
