"""Distributions over combinatorial objects, with exact traces."""

from vestige.structures.arborescence import Arborescence as Arborescence
from vestige.structures.binary_tree import BinaryTree as BinaryTree
from vestige.structures.categorical import Categorical as Categorical
from vestige.structures.contract import AbstractSequential as AbstractSequential
from vestige.structures.contract import AbstractStructure as AbstractStructure
from vestige.structures.contract import Draw as Draw
from vestige.structures.distinct import Distinct as Distinct
from vestige.structures.distinct import distinct_traces as distinct_traces
from vestige.structures.exact import Table as Table
from vestige.structures.exact import entropy as entropy
from vestige.structures.exact import entropy_estimate as entropy_estimate
from vestige.structures.exact import enumerate_traces as enumerate_traces
from vestige.structures.exact import structure_log_prob as structure_log_prob
from vestige.structures.matching import Matching as Matching
from vestige.structures.permutation import Permutation as Permutation
from vestige.structures.recursion import AbstractRecursion as AbstractRecursion
from vestige.structures.spanning_tree import SpanningTree as SpanningTree
from vestige.structures.subset import Subset as Subset
from vestige.structures.subset_probability import subset_log_prob as subset_log_prob
from vestige.structures.subset_probability import subset_posterior as subset_posterior
from vestige.structures.traces import AbstractTrace as AbstractTrace
from vestige.structures.traces import Laminar as Laminar
from vestige.structures.traces import Nested as Nested
from vestige.structures.traces import Segments as Segments
