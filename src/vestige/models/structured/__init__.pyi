"""Distributions over structures, whose log-rates are learned."""

from .rates import Rates as Rates
from .text_arcs import AbstractArcs as AbstractArcs
from .text_classifiers import GivenArcs as GivenArcs
from .text_classifiers import LatentArcs as LatentArcs
from .text_classifiers import RecurrentClassifier as RecurrentClassifier
from .text_explainer import Explainer as Explainer
from .text_messages import MessageClassifier as MessageClassifier
from .text_parser import DependencyParser as DependencyParser
from .text_parser import best_tree as best_tree
from .text_scorer import ArcScorer as ArcScorer
