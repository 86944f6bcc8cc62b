"""Recall: generative temporal models that must remember images (perfect recall, one-shot recall)."""

from vestige.experiments.recall.architecture import Architecture as Architecture
from vestige.experiments.recall.memories import MEMORIES as MEMORIES
from vestige.experiments.recall.memories import Introspection as Introspection
from vestige.experiments.recall.memories import Memory as Memory
from vestige.experiments.recall.memories import NoMemory as NoMemory
from vestige.experiments.recall.options import Gradient as Gradient
from vestige.experiments.recall.options import Recall as Recall
from vestige.experiments.recall.task import Images as Images
from vestige.experiments.recall.task import RecallTask as RecallTask
