"""Generative temporal models on sequences that call for memory: the seven tasks of Gemici et al. 2017."""

from vestige.experiments.temporal.architecture import Architecture as Architecture
from vestige.experiments.temporal.images import Images as Images
from vestige.experiments.temporal.memories import COMPARED as COMPARED
from vestige.experiments.temporal.memories import DNC as DNC
from vestige.experiments.temporal.memories import LRU as LRU
from vestige.experiments.temporal.memories import MEMORIES as MEMORIES
from vestige.experiments.temporal.memories import NTM as NTM
from vestige.experiments.temporal.memories import Attention as Attention
from vestige.experiments.temporal.memories import Introspection as Introspection
from vestige.experiments.temporal.memories import Memory as Memory
from vestige.experiments.temporal.memories import NoMemory as NoMemory
from vestige.experiments.temporal.options import Gradient as Gradient
from vestige.experiments.temporal.options import Temporal as Temporal
from vestige.experiments.temporal.tasks import DynamicDependency as DynamicDependency
from vestige.experiments.temporal.tasks import MapNavigation as MapNavigation
from vestige.experiments.temporal.tasks import ParityRecall as ParityRecall
from vestige.experiments.temporal.tasks import PerfectRecall as PerfectRecall
from vestige.experiments.temporal.tasks import RoomRotation as RoomRotation
from vestige.experiments.temporal.tasks import SimilarityRecall as SimilarityRecall
