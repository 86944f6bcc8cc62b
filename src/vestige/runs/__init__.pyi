"""Runs: their folders and what these hold, how they are continued, inherited, verified, compared and timed."""

from .comparison import compare as compare
from .execution import execute as execute
from .fits.fitting import Fitted as Fitted
from .fits.fitting import fit_table as fit_table
from .restoring import load as load
