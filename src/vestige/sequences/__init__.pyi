"""Sequences that are read in windows, so that none need be in memory as a whole."""

from .arrays import ArraySequence as ArraySequence
from .context_window import ContextWindow as ContextWindow
from .context_window import ContextWindowSequence as ContextWindowSequence
from .contract import AbstractSequence as AbstractSequence
from .contract import Window as Window
from .contract import at as at
from .documents import Documents as Documents
from .places import place as place
from .places import random_place as random_place
from .readers import AbstractReader as AbstractReader
from .readers import ArrayRecordReader as ArrayRecordReader
from .readers import NpyReader as NpyReader
from .readers import ParquetReader as ParquetReader
from .readers import Steps as Steps
from .readers import TableReader as TableReader
from .readers import UnreadFile as UnreadFile
from .readers import ZarrReader as ZarrReader
from .stream import StreamSequence as StreamSequence
from .stream import lanes as lanes
from .stream import whole as whole
