"""How the gradient is estimated; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from vestige.experiments.checks import at_least

if TYPE_CHECKING:
    from vestige.typing import Key

Of = Literal["trace", "times"]


def _score(name: Of) -> Any:
    from vestige.estimators import TimesScore, TraceScore

    return {"trace": TraceScore, "times": TimesScore}[name]()


def _noise(name: Of) -> Any:
    from vestige.estimators import AllTimes, GivenTrace

    return {"trace": GivenTrace, "times": AllTimes}[name]()


@dataclasses.dataclass(frozen=True)
class ScoreFunction:
    """REINFORCE without a baseline."""

    of: Of = "trace"
    """Whose score: that of the trace, or that of all arrival times."""
    draws: int = 3
    """Evaluations of the cost per update."""

    def __post_init__(self):
        at_least(self, 1, "draws")

    def build(self, keys: int, *, key: "Key") -> Any:
        """The estimator, for a structure of so many keys."""
        from vestige import estimators

        return estimators.ScoreFunction(self.draws, _score(self.of))


@dataclasses.dataclass(frozen=True)
class LeaveOneOut:
    """REINFORCE with the mean cost of the other draws as baseline."""

    of: Of = "trace"
    """Whose score: that of the trace, or that of all arrival times."""
    draws: int = 3
    """Evaluations of the cost per update."""

    def __post_init__(self):
        at_least(self, 2, "draws")

    def build(self, keys: int, *, key: "Key") -> Any:
        """The estimator, for a structure of so many keys."""
        from vestige import estimators

        return estimators.LeaveOneOut(self.draws, _score(self.of))


@dataclasses.dataclass(frozen=True)
class Relax:
    """A critic of the noise as control variate, trained by the same optimiser."""

    of: Of = "trace"
    """What the critic stands on: noise drawn anew given the trace, or all arrival times."""
    draws: int = 3
    """Evaluations of the cost per update."""
    width: int = 32
    """Hidden units of the critic."""

    def __post_init__(self):
        at_least(self, 1, "draws", "width")

    def build(self, keys: int, *, key: "Key") -> Any:
        """The estimator, for a structure of so many keys."""
        from vestige import estimators

        critic = estimators.Critic(keys, self.width, key=key)
        return estimators.Relax(critic, self.draws, _noise(self.of))


Estimator = ScoreFunction | LeaveOneOut | Relax

ESTIMATORS: Mapping[str, Estimator] = {
    "e": ScoreFunction("times"),
    "t": ScoreFunction("trace"),
    "e-plus": LeaveOneOut("times"),
    "t-plus": LeaveOneOut("trace"),
    "relax": Relax("trace"),
    "relax-e": Relax("times"),
}
"""By the names of the paper: E and T for the score of all times and of the trace, plus for leave-one-out."""
