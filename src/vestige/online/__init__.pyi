"""A stream, learned as it comes."""

from .learner import Learner as Learner
from .learner import NextStep as NextStep
