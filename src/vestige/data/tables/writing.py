"""A table that is written a batch at a time, whole or not at all."""

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from vestige.data.tables.contract import Cells
from vestige.data.tables.extras import extra
from vestige.errors import UsageError, shown
from vestige.storage.durable import writing

DELIMITERS = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"
SUFFIXES = (*DELIMITERS, PARQUET)
ROW_GROUP = 2**16
"""Rows that are written together: what a Parquet file says of each of its groups stays in memory to the end."""


class TableWriter(Protocol):
    """Takes the rows of a table."""

    def write(self, columns: Mapping[str, Cells]) -> None:
        """Write further rows.

        **Arguments:**

        - `columns`: name -> cells, of equal length; the same names in the same order each time.
        """
        ...


def check_target(path: Path, *, force: bool, also: tuple[str, ...] = ()) -> None:
    """Check, before anything is computed, that a table can be written.

    **Arguments:**

    - `path`: of the file.
    - `force`: whether one that exists is replaced.
    - `also`: further suffixes that may be.

    **Raises:** `UsageError` for another suffix than `.csv`, `.tsv` and `.parquet`, where pyarrow is needed and not
    installed, where the folder does not exist, and where the file does, without `force`.
    """
    if path.suffix.lower() not in (known := (*SUFFIXES, *also)):
        raise UsageError(f"--out must end in {', '.join(known)}, which says its form, got {shown(path.name)}")
    if not path.parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UsageError(f"--out {path} is a folder; name a file")
    if path.exists() and not force:
        raise UsageError(f"--out {path} exists. Choose another name, or pass --force to replace it.")
    if path.suffix.lower() == PARQUET:
        extra("pyarrow.parquet", "--out FILE.parquet", "choose --out FILE.csv")


@contextlib.contextmanager
def table_writer(path: Path) -> Iterator[TableWriter]:
    """A table to be written in place of `path`: at the end of the block it takes that name. Its suffix says its form.

    Missing cells are empty, or null. Numbers are written to the last digit. Memory for a batch.

    **Raises:** `RunError` where it cannot be written. Where the block raises, what was there stays.
    """
    with writing(path) as file:
        if path.suffix.lower() == PARQUET:
            with contextlib.closing(_Parquet(file)) as parquet:
                yield parquet
        else:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            yield _Text(text, DELIMITERS[path.suffix.lower()])
            text.flush()
            text.detach()


@contextlib.contextmanager
def array_writer(path: Path, shape: tuple[int, ...], names: tuple[str, ...]) -> Iterator[TableWriter]:
    """As `table_writer`, of an array of float64 in an `.npy` file; missing cells are NaN.

    **Arguments:**

    - `path`: the file.
    - `shape`: of the array; its first axis are the rows.
    - `names`: of the columns that it holds, in the order of a row; others that are written are left out.

    **Raises:** `RunError` where it cannot be written.
    """
    with writing(path) as file:
        form = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, form)
        yield _Array(file, names)


class _Array:
    def __init__(self, file: BinaryIO, names: tuple[str, ...]):
        self._file, self._names = file, names

    def write(self, columns: Mapping[str, Cells]) -> None:
        cells = [columns[name] for name in self._names]
        rows = [np.where(each.missing, np.nan, each.values.astype(np.float64)) for each in cells]
        self._file.write(np.stack(rows, axis=1).astype("<f8").tobytes())


class _Text:
    def __init__(self, file: io.TextIOWrapper, delimiter: str):
        self._rows, self._begun = csv.writer(file, delimiter=delimiter, lineterminator="\n"), False

    def write(self, columns: Mapping[str, Cells]) -> None:
        if not self._begun:
            self._rows.writerow(columns)
            self._begun = True
        self._rows.writerows(zip(*(_texts(cells) for cells in columns.values()), strict=True))


class _Parquet:
    def __init__(self, file: BinaryIO):
        self._file, self._writer = file, None
        self._waiting: list[Any] = []
        self._arrow: Any = extra("pyarrow", "a Parquet file", "choose a CSV file")
        self._parquet: Any = extra("pyarrow.parquet", "a Parquet file", "choose a CSV file")

    def write(self, columns: Mapping[str, Cells]) -> None:
        array = lambda cells: self._arrow.array(cells.values, mask=np.asarray(cells.missing, bool))
        table = self._arrow.table({name: array(cells) for name, cells in columns.items()})
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._file, table.schema)
        self._waiting.append(table.cast(self._writer.schema))
        if sum(map(len, self._waiting)) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._writer is not None and self._waiting:
            self._writer.write_table(self._arrow.concat_tables(self._waiting))
            self._waiting.clear()

    def close(self) -> None:
        if self._writer is not None:
            self._flush()
            self._writer.close()


def _texts(cells: Cells) -> list[Any]:
    """What stands in a column of a text file; dates as ISO 8601, in whole seconds where they are whole."""
    values = cells.values
    if values.dtype.kind == "M":
        whole = np.datetime_as_string(values, unit="us").tolist()
        texts = [text.replace("T", " ").removesuffix(".000000") for text in whole]
    else:
        texts = values.astype(np.int8).tolist() if values.dtype.kind == "b" else values.tolist()
    if cells.missing.any():
        return ["" if missing else text for text, missing in zip(texts, cells.missing.tolist(), strict=True)]
    return texts


def numbers(values: np.ndarray) -> Cells:
    """Cells of `values` (rows,) float64, NaN where missing."""
    return Cells(values, np.isnan(values))
