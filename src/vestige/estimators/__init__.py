"""Gradients of expectations over discrete structures: `expect` and its strategies."""

from vestige.estimators.baselines import AbstractBaseline as AbstractBaseline
from vestige.estimators.baselines import Learned as Learned
from vestige.estimators.baselines import MeanOfOthers as MeanOfOthers
from vestige.estimators.baselines import NoBaseline as NoBaseline
from vestige.estimators.baselines import RunningMean as RunningMean
from vestige.estimators.biased import BiasedRelaxation as BiasedRelaxation
from vestige.estimators.biased import BiasedStraightThrough as BiasedStraightThrough
from vestige.estimators.biased import relaxed as relaxed
from vestige.estimators.contract import AbstractEstimator as AbstractEstimator
from vestige.estimators.contract import expect as expect
from vestige.estimators.critic import Critic as Critic
from vestige.estimators.exact import Exact as Exact
from vestige.estimators.marginals import arborescence_marginals as arborescence_marginals
from vestige.estimators.marginals import spanning_tree_marginals as spanning_tree_marginals
from vestige.estimators.marginals import subset_marginals as subset_marginals
from vestige.estimators.relax import AbstractNoise as AbstractNoise
from vestige.estimators.relax import AllTimes as AllTimes
from vestige.estimators.relax import GivenSet as GivenSet
from vestige.estimators.relax import GivenTrace as GivenTrace
from vestige.estimators.relax import Relax as Relax
from vestige.estimators.score_function import LeaveOneOut as LeaveOneOut
from vestige.estimators.score_function import ScoreFunction as ScoreFunction
from vestige.estimators.scores import SetScore as SetScore
from vestige.estimators.scores import TimesScore as TimesScore
from vestige.estimators.scores import TraceScore as TraceScore
from vestige.estimators.without_replacement import WithoutReplacement as WithoutReplacement
