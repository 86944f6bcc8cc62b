"""Distributions over structures, whose log-rates are learned."""

from .divergences import times_divergence as times_divergence
from .divergences import trace_log_ratio as trace_log_ratio
from .graphs import AbstractGraphs as AbstractGraphs
from .graphs import FirstEdges as FirstEdges
from .graphs import IndependentEdges as IndependentEdges
from .graphs import Trees as Trees
from .messages import EdgeMessages as EdgeMessages
from .messages import Propagation as Propagation
from .objective import StructureBound as StructureBound
from .objective import StructureModel as StructureModel
from .objective import importance_weighted_structures as importance_weighted_structures
from .pairs import AbstractPairScorer as AbstractPairScorer
from .pairs import Bilinear as Bilinear
from .pairs import PairLinear as PairLinear
from .pairs import PairMLP as PairMLP
from .rates import Rates as Rates
from .relational import RelationalDecoder as RelationalDecoder
from .relational import RelationalEncoder as RelationalEncoder
from .relational import RelationalModel as RelationalModel
