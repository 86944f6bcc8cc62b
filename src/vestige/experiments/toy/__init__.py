"""Toys: rates of a random structure, learned from the cost of draws (matching, trees)."""

from vestige.experiments.toy.estimators import ESTIMATORS as ESTIMATORS
from vestige.experiments.toy.estimators import LeaveOneOut as LeaveOneOut
from vestige.experiments.toy.estimators import Relax as Relax
from vestige.experiments.toy.estimators import ScoreFunction as ScoreFunction
from vestige.experiments.toy.options import Toy as Toy
from vestige.experiments.toy.problems import Arborescence as Arborescence
from vestige.experiments.toy.problems import BinaryTree as BinaryTree
from vestige.experiments.toy.problems import Matching as Matching
from vestige.experiments.toy.problems import SpanningTree as SpanningTree
