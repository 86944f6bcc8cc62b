"""Runs: their folders and what these hold, how they are continued, inherited, verified, compared and timed."""

from .comparison import compare as compare
from .execution import execute as execute
from .restoring import load as load
