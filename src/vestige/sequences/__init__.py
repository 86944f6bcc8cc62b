"""Sequences that are read in windows, so that none need be in memory as a whole."""

from vestige.sequences.arrays import ArraySequence as ArraySequence
from vestige.sequences.contract import AbstractSequence as AbstractSequence
from vestige.sequences.contract import Window as Window
from vestige.sequences.contract import at as at
