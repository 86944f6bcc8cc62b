"""Gradients of expectations over discrete structures: `expect` and its strategies."""

from .baselines import AbstractBaseline as AbstractBaseline
from .baselines import Learned as Learned
from .baselines import MeanOfOthers as MeanOfOthers
from .baselines import NoBaseline as NoBaseline
from .baselines import RunningMean as RunningMean
from .biased import BiasedRelaxation as BiasedRelaxation
from .biased import BiasedStraightThrough as BiasedStraightThrough
from .biased import relaxed as relaxed
from .contract import AbstractEstimator as AbstractEstimator
from .contract import expect as expect
from .critic import Critic as Critic
from .exact import Exact as Exact
from .marginals import arborescence_marginals as arborescence_marginals
from .marginals import spanning_tree_marginals as spanning_tree_marginals
from .marginals import subset_marginals as subset_marginals
from .relax import AbstractNoise as AbstractNoise
from .relax import AllTimes as AllTimes
from .relax import GivenSet as GivenSet
from .relax import GivenTrace as GivenTrace
from .relax import Relax as Relax
from .score_function import LeaveOneOut as LeaveOneOut
from .score_function import ScoreFunction as ScoreFunction
from .scores import SetScore as SetScore
from .scores import TimesScore as TimesScore
from .scores import TraceScore as TraceScore
from .without_replacement import WithoutReplacement as WithoutReplacement
