"""Runs: their folders and what these hold, how they are continued, inherited, verified, compared and timed."""

from .comparison import compare as compare
from .execution import execute as execute
from .fitting import Fitted as Fitted
from .fitting import fit_table as fit_table
from .restoring import load as load
