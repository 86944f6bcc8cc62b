"""Columns of a Parquet file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.errors import RunError, UsageError
from vestige.sequences.readers.blocks import CACHE_BYTES, Blocks
from vestige.sequences.readers.contract import AbstractReader
from vestige.sequences.readers.opening import agreed, decoded, decoding, extra, numbers

EXACT = 2**53


class ParquetReader(AbstractReader):
    """Columns of a Parquet file with one row per step; needs pyarrow (`pip install 'vestige[streams]'`).

    Only the row groups that are needed are decoded, and only these columns. A null in the column of outcomes counts as
    NaN or as a negative class.

    **Arguments:**

    - `path`: the file.
    - `inputs`: one column (a number per step) or several (a vector per step).
    - `outcomes`: the column of outcomes.
    - `unknown_outcomes`: whether null, NaN or a negative class marks a step without an outcome.
    - `cache_bytes`: how much of the row groups used last is kept, decoded. Give it room for a row group per sequence
      that is read at a time, or write small row groups.

    **Raises:** `UsageError` also for a column that is absent, and for one that holds no numbers.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        inputs: str | Sequence[str],
        outcomes: str,
        unknown_outcomes: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ):
        parquet = extra("pyarrow.parquet", "ParquetReader")
        self._path = gate.require_regular(path)
        self.name, self.unknown_outcomes = str(path), unknown_outcomes
        try:
            self._file = parquet.ParquetFile(self._path)
        except Exception as error:
            raise UsageError(f"{path}: it is not a sound Parquet file ({error})") from None
        self._columns, self._outcome = inputs, outcomes
        self._size = self._path.stat().st_size
        kinds = [self._kind(column, "inputs") for column in ([inputs] if isinstance(inputs, str) else inputs)]
        shape = () if isinstance(inputs, str) else (len(inputs),)
        if not kinds:
            raise UsageError(f"{path}: inputs must name at least one column")
        self.inputs = numbers(self.name, "inputs", shape, np.result_type(*kinds))
        self.outcomes = numbers(self.name, "outcomes", (), self._kind(outcomes, "outcomes"))
        about = self._file.metadata
        self.length = agreed(self.name, about.num_rows, about.num_rows)
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        decoded("row group", self.name, max(group.num_rows for group in groups), self.inputs, self.outcomes)
        self._blocks = Blocks([group.num_rows for group in groups], self._load, cache_bytes=cache_bytes)
        self._ends = [max(_end(group.column(i)) for i in range(group.num_columns)) for group in groups]

    def steps_there(self) -> int:
        size = self._path.stat().st_size
        if size >= self._size:
            return self.length
        return self._blocks.begin(next((i for i, end in enumerate(self._ends) if end > size), len(self._ends)))

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return self._blocks.read(start, stop)

    def _kind(self, column: str, what: str) -> np.dtype:
        schema = self._file.schema_arrow
        if column not in schema.names:
            raise UsageError(f"{self.name}: there is no column '{column}' for {what}; it has {', '.join(schema.names)}")
        try:
            kind = np.dtype(schema.field(column).type.to_pandas_dtype())
        except (NotImplementedError, TypeError):
            kind = np.dtype(object)
        return numbers(self.name, f"column '{column}'", (), kind).dtype

    def _load(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        several = not isinstance(self._columns, str)
        names = [self._columns] if isinstance(self._columns, str) else list(self._columns)
        with decoding(f"row group {group:,}", self.name):
            table = self._file.read_row_group(group, columns=list(dict.fromkeys([*names, self._outcome])))
        columns = [self._array(table.column(name), name, group) for name in names]
        if self.inputs.dtype.kind == "f":
            self._check_integers(names, columns, group)
        inputs = np.stack(columns, axis=1) if several else columns[0]
        return inputs, self._array(table.column(self._outcome), self._outcome, group)

    def _check_integers(self, names: list[str], columns: list[np.ndarray], group: int) -> None:
        """**Raises** where an integer beside columns of floating-point numbers is too large for float64."""
        for name, column in zip(names, columns, strict=True):
            if column.dtype.kind in "iu" and (wrong := (column > EXACT) | (column.astype(np.float64) < -EXACT)).any():
                step = self._blocks.begin(group) + int(np.argmax(wrong))
                raise RunError(
                    f"{self.name}: column '{name}' is {column[wrong][0]:,} at step {step:,}, more than float64 can "
                    f"tell apart (±{EXACT:,}), as which it is read beside columns of floating-point numbers"
                )

    def _array(self, column: Any, name: str, group: int) -> np.ndarray:
        kind = self._kind(name, "steps")
        if column.null_count == 0 or kind.kind == "f":
            return column.to_numpy()
        if name == self._outcome and self.unknown_outcomes and kind.kind != "b":
            return column.cast("int64").fill_null(-1).to_numpy()
        step = self._blocks.begin(group) + int(np.argmax(column.is_null().to_numpy()))
        way = "; unknown_outcomes=True takes it for a step without one" if name == self._outcome else ""
        raise RunError(f"{self.name}: column '{name}' is null at step {step:,}{way}")


def _end(column: Any) -> int:
    first = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset is not None:
        first = min(first, column.dictionary_page_offset)
    return first + column.total_compressed_size
