"""The gradient estimators and their baselines by name, and what may be set of each; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, ClassVar, Literal

from vestige.checks import at_least, positive
from vestige.registries import Registry
from vestige.search import Reals, searched
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from vestige.estimators.baselines import AbstractBaseline
    from vestige.estimators.contract import AbstractEstimator
    from vestige.estimators.scores import AbstractScore
    from vestige.typing import Key

Of = Literal["trace", "times", "set"]

SET = "set probability"


class BaselineSpec(Spec):
    """The options of a baseline: what is subtracted from a cost before it weighs a score."""

    contract: ClassVar[str] = "baseline"
    least_draws: ClassVar[int] = 1
    """How many draws an estimate must have."""

    def build(self) -> "AbstractBaseline":
        """The baseline.

        **Returns:** a new one, with nothing learned.
        """
        return self.make()


@dataclasses.dataclass(frozen=True)
class NoBaselineSpec(BaselineSpec):
    """Zero."""

    part: ClassVar[str] = "vestige.estimators.baselines:NoBaseline"


@dataclasses.dataclass(frozen=True)
class MeanOfOthersSpec(BaselineSpec):
    """The mean cost of the other draws."""

    part: ClassVar[str] = "vestige.estimators.baselines:MeanOfOthers"
    least_draws: ClassVar[int] = 2


@dataclasses.dataclass(frozen=True)
class RunningMeanSpec(BaselineSpec):
    """One number that follows the mean cost."""

    value: float = 0.0
    """Where it starts."""

    part: ClassVar[str] = "vestige.estimators.baselines:RunningMean"


BASELINES: Registry[BaselineSpec] = Registry(
    "baseline",
    BaselineSpec,
    {"none": NoBaselineSpec(), "mean-of-others": MeanOfOthersSpec(), "running-mean": RunningMeanSpec()},
)


@dataclasses.dataclass(frozen=True)
class EstimatorSpec(Spec):
    """The options of a gradient estimator."""

    draws: int = 1
    """Evaluations of the cost for one estimate."""

    contract: ClassVar[str] = "estimator"
    least_draws: ClassVar[int] = 1
    biased: ClassVar[bool] = False
    """Whether it is so by its construction."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, self.least_draws, "draws")

    @property
    def needs(self) -> str:
        """What a structure must provide beside draws (`vestige.capabilities.OF_STRUCTURES`); empty: nothing."""
        return ""

    @property
    def learns(self) -> bool:
        """Whether it holds something, such as a critic, that is trained."""
        return False

    @abc.abstractmethod
    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        """The estimator.

        **Arguments:**

        - `keys`: log-rates of the structures that it is for: the input width of a critic.
        - `key`: for the initial parameters of a critic.

        **Returns:** a new estimator, with nothing learned.
        """


def score(of: Of) -> "AbstractScore":
    """The score of a trace, of all arrival times, or of an unordered set."""
    names = {"trace": "TraceScore", "times": "TimesScore", "set": "SetScore"}
    return load(f"vestige.estimators.scores:{names[of]}")()


@dataclasses.dataclass(frozen=True)
class ScoreFunctionSpec(EstimatorSpec):
    """REINFORCE, by default without a baseline."""

    score: Of = "trace"
    """Whose score: that of the trace, of all arrival times, or of the unordered set."""
    baseline: BaselineSpec = NoBaselineSpec()

    part: ClassVar[str] = "vestige.estimators.score_function:ScoreFunction"

    def __post_init__(self):
        super().__post_init__()
        _enough(self.draws, self.baseline)

    @property
    def needs(self) -> str:
        return SET if self.score == "set" else ""

    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        return self.make(score=score(self.score), baseline=self.baseline.build())


@dataclasses.dataclass(frozen=True)
class LeaveOneOutSpec(EstimatorSpec):
    """REINFORCE with the mean cost of the other draws as baseline."""

    draws: int = 4
    """Evaluations of the cost for one estimate."""
    score: Of = "trace"
    """Whose score: that of the trace, of all arrival times, or of the unordered set."""

    part: ClassVar[str] = "vestige.estimators.score_function:LeaveOneOut"
    least_draws: ClassVar[int] = 2

    @property
    def needs(self) -> str:
        return SET if self.score == "set" else ""

    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        return self.make(score=score(self.score))


@dataclasses.dataclass(frozen=True)
class WithoutReplacementSpec(EstimatorSpec):
    """The score function with different traces, weighed by their probability of being drawn."""

    draws: int = 4
    """Evaluations of the cost for one estimate."""

    part: ClassVar[str] = "vestige.estimators.without_replacement:WithoutReplacement"
    least_draws: ClassVar[int] = 2

    @property
    def needs(self) -> str:
        return "distinct traces"

    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        return self.make()


@dataclasses.dataclass(frozen=True)
class RelaxSpec(EstimatorSpec):
    """RELAX: a critic of the noise as control variate, trained by the same optimiser. It starts near zero: where costs
    are of another size, let the baseline mean-of-others take what all draws have in common (relax-leave-one-out)."""

    noise: Of = "trace"
    """What the critic looks at: noise drawn anew given the trace or the unordered set, or all arrival times."""
    redraws: int = 1
    """How many times noise is drawn anew; they cost no evaluation of the cost."""
    width: int = 32
    """Hidden units of the critic."""
    trained: bool = True
    """Whether the critic learns; otherwise it stays as it was drawn."""
    baseline: BaselineSpec = NoBaselineSpec()

    part: ClassVar[str] = "vestige.estimators.relax:Relax"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "redraws", "width")
        _enough(self.draws, self.baseline)
        if self.noise == "times" and self.redraws != 1:
            raise ValueError(f"redraws: with noise times nothing is drawn anew, so it must be 1, got {self.redraws}")

    @property
    def needs(self) -> str:
        return SET if self.noise == "set" else ""

    @property
    def learns(self) -> bool:
        return self.trained

    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        from vestige.estimators.critic import Critic
        from vestige.estimators.relax import AllTimes, GivenSet, GivenTrace, Relax

        noises = {"trace": lambda: GivenTrace(self.redraws), "set": lambda: GivenSet(self.redraws), "times": AllTimes}
        critic = Critic(keys, self.width, key=key)
        return Relax(critic, self.draws, noises[self.noise](), self.baseline.build(), self.trained)


@dataclasses.dataclass(frozen=True)
class AbstractRelaxationSpec(EstimatorSpec):
    """A relaxation, for comparison. Biased."""

    temperature: float = searched(1.0, Reals(0.1, 2.0, log=True))
    """Bias falls and variance grows as it goes to zero."""

    biased: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        positive(self, "temperature")

    @property
    def needs(self) -> str:
        return "relaxation"

    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        return self.make()


@dataclasses.dataclass(frozen=True)
class BiasedRelaxationSpec(AbstractRelaxationSpec):
    """The cost of relaxed draws (stochastic softmax tricks). Biased."""

    part: ClassVar[str] = "vestige.estimators.biased:BiasedRelaxation"


@dataclasses.dataclass(frozen=True)
class BiasedStraightThroughSpec(AbstractRelaxationSpec):
    """The cost of discrete draws, its gradient passed on to the relaxation (straight-through). Biased."""

    part: ClassVar[str] = "vestige.estimators.biased:BiasedStraightThrough"


@dataclasses.dataclass(frozen=True)
class BiasedImplicitMLESpec(EstimatorSpec):
    """The difference of two draws with the same noise, before and after a step down the cost (I-MLE). Biased."""

    step: float = searched(0.2, Reals(0.02, 2.0, log=True))
    """How far the log-rates follow the gradient of the cost. Bias grows with it, variance falls."""

    part: ClassVar[str] = "vestige.estimators.perturb_and_map:BiasedImplicitMLE"
    biased: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        positive(self, "step")

    @property
    def needs(self) -> str:
        return "relaxation"

    def build(self, keys: int, *, key: "Key") -> "AbstractEstimator":
        return self.make()


def _enough(draws: int, baseline: BaselineSpec) -> None:
    if draws < baseline.least_draws:
        raise ValueError(f"draws must be at least {baseline.least_draws} with this baseline, got {draws}")


ESTIMATORS: Registry[EstimatorSpec] = Registry(
    "estimator",
    EstimatorSpec,
    {
        "score-function": ScoreFunctionSpec(3),
        "score-function-times": ScoreFunctionSpec(3, "times"),
        "leave-one-out": LeaveOneOutSpec(3),
        "leave-one-out-set": LeaveOneOutSpec(3, "set"),
        "leave-one-out-times": LeaveOneOutSpec(3, "times"),
        "without-replacement": WithoutReplacementSpec(3),
        "relax": RelaxSpec(3),
        "relax-leave-one-out": RelaxSpec(3, baseline=MeanOfOthersSpec()),
        "relax-untrained": RelaxSpec(3, trained=False),
        "relax-set": RelaxSpec(3, "set"),
        "relax-times": RelaxSpec(3, "times"),
        "biased-relaxation": BiasedRelaxationSpec(3),
        "biased-straight-through": BiasedStraightThroughSpec(3),
        "biased-implicit-mle": BiasedImplicitMLESpec(3),
    },
    aliases={
        "e": "score-function-times",
        "t": "score-function",
        "e-plus": "leave-one-out-times",
        "t-plus": "leave-one-out",
        "relax-e": "relax-times",
        "relax-plus": "relax-leave-one-out",
    },
)
"""What `--estimator NAME` stands for, each with three evaluations of the cost. Further names are those of Struminsky et
al. 2021: E and T for the score of all times and of the trace, plus for leave-one-out."""
