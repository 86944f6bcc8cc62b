"""The estimators by their names on the command line."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vestige.experiments.gradients.options import GradientOptions
from vestige.experiments.gradients.structures import STRUCTURES


class EstimatorKind(NamedTuple):
    """An estimator by its name on the command line."""

    build: Callable[[GradientOptions, int, Any], Any]
    """From options, number of keys and a random key to the estimator."""
    structures: frozenset[str]
    """Those it is defined for."""
    biased: bool = False
    trained: bool = False
    """Whether it has a critic that is trained first."""


def _score_function(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import ScoreFunction, TraceScore

    return ScoreFunction(options.draws, TraceScore())


def _score_function_times(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import ScoreFunction, TimesScore

    return ScoreFunction(options.draws, TimesScore())


def _leave_one_out(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import LeaveOneOut, TraceScore

    return LeaveOneOut(options.draws, TraceScore())


def _leave_one_out_set(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import LeaveOneOut, SetScore

    return LeaveOneOut(options.draws, SetScore())


def _leave_one_out_times(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import LeaveOneOut, TimesScore

    return LeaveOneOut(options.draws, TimesScore())


def _without_replacement(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import WithoutReplacement

    return WithoutReplacement(options.draws)


def _relax(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import Critic, GivenTrace, Relax

    return Relax(Critic(size, key=key), options.draws, GivenTrace())


def _relax_set(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import Critic, GivenSet, Relax

    return Relax(Critic(size, key=key), options.draws, GivenSet())


def _relax_times(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import AllTimes, Critic, Relax

    return Relax(Critic(size, key=key), options.draws, AllTimes())


def _relaxation(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import BiasedRelaxation

    return BiasedRelaxation(options.temperature, options.draws)


def _straight_through(options: GradientOptions, size: int, key: Any) -> Any:
    from vestige.estimators import BiasedStraightThrough

    return BiasedStraightThrough(options.temperature, options.draws)


_ALL = frozenset(STRUCTURES)
_SEQUENTIAL = frozenset({"categorical", "subset", "permutation"})
_RELAXED = frozenset({"categorical", "subset", "spanning-tree", "arborescence"})
_SETS = frozenset({"subset"})

ESTIMATORS: Mapping[str, EstimatorKind] = {
    "score-function": EstimatorKind(_score_function, _ALL),
    "score-function-times": EstimatorKind(_score_function_times, _ALL),
    "leave-one-out": EstimatorKind(_leave_one_out, _ALL),
    "leave-one-out-set": EstimatorKind(_leave_one_out_set, _SETS),
    "leave-one-out-times": EstimatorKind(_leave_one_out_times, _ALL),
    "without-replacement": EstimatorKind(_without_replacement, _SEQUENTIAL),
    "relax": EstimatorKind(_relax, _ALL, trained=True),
    "relax-untrained": EstimatorKind(_relax, _ALL),
    "relax-set": EstimatorKind(_relax_set, _SETS, trained=True),
    "relax-times": EstimatorKind(_relax_times, _ALL, trained=True),
    "biased-relaxation": EstimatorKind(_relaxation, _RELAXED, biased=True),
    "biased-straight-through": EstimatorKind(_straight_through, _RELAXED, biased=True),
}
