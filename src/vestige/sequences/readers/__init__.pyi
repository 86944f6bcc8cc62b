"""Files of steps, read a few at a time."""

from .array_record import ArrayRecordReader as ArrayRecordReader
from .contract import AbstractReader as AbstractReader
from .contract import Steps as Steps
from .npy import NpyReader as NpyReader
from .parquet import ParquetReader as ParquetReader
from .table import TableReader as TableReader
from .unread import UnreadFile as UnreadFile
from .zarr import ZarrReader as ZarrReader
