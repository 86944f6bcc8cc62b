"""Sequences that are read in windows, so that none need be in memory as a whole."""

from vestige.sequences.arrays import ArraySequence as ArraySequence
from vestige.sequences.context_window import ContextWindow as ContextWindow
from vestige.sequences.context_window import ContextWindowSequence as ContextWindowSequence
from vestige.sequences.contract import AbstractSequence as AbstractSequence
from vestige.sequences.contract import Window as Window
from vestige.sequences.contract import at as at
from vestige.sequences.places import place as place
from vestige.sequences.places import random_place as random_place
from vestige.sequences.readers import AbstractReader as AbstractReader
from vestige.sequences.readers import ArrayRecordReader as ArrayRecordReader
from vestige.sequences.readers import NpyReader as NpyReader
from vestige.sequences.readers import ParquetReader as ParquetReader
from vestige.sequences.readers import Steps as Steps
from vestige.sequences.readers import ZarrReader as ZarrReader
from vestige.sequences.stream import StreamSequence as StreamSequence
from vestige.sequences.stream import lanes as lanes
from vestige.sequences.stream import whole as whole
