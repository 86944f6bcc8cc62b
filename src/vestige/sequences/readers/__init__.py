"""Files of steps, read a few at a time."""

from vestige.sequences.readers.array_record import ArrayRecordReader as ArrayRecordReader
from vestige.sequences.readers.contract import AbstractReader as AbstractReader
from vestige.sequences.readers.contract import Steps as Steps
from vestige.sequences.readers.npy import NpyReader as NpyReader
from vestige.sequences.readers.parquet import ParquetReader as ParquetReader
from vestige.sequences.readers.zarr import ZarrReader as ZarrReader
