"""Rows of a stream, whatever they come as."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vestige.errors import UsageError, listed, shown

OWNER = "Learner"


class Rows(NamedTuple):
    """Some rows of a stream."""

    values: np.ndarray
    """(rows, values) float64; NaN where missing."""
    single: bool
    """Whether it came as a row, not as a block of rows."""
    names: tuple[str, ...] | None
    """Of the values; None where they came without."""


def read_rows(source: Any, names: tuple[str, ...] | None, width: int | None) -> Rows:
    """One row or several.

    **Arguments:**

    - `source`: a row: a dictionary or a series of pandas (name -> number), a list or an array (values,), or a number;
      or a block: an array (rows, values), or a frame of pandas or polars.
    - `names`: of the values in earlier rows; None where there were none, or they had no names.
    - `width`: values of earlier rows; None where there were none.

    **Returns:** the rows, named values in the order of `names`.

    **Raises:** `UsageError` for another width, columns that are absent or new, what is no number, and infinity, by
    column and row.
    """
    columns = _named(source)
    if columns is None:
        array, single = _array(source)
        found = Rows(array, single, names)
    else:
        ordered = _ordered(list(columns), names, width)
        single = not hasattr(source, "columns")
        cells = [_column(name, np.atleast_1d(np.asarray(columns[name], dtype=None))) for name in ordered]
        found = Rows(np.stack(cells, axis=1), single, tuple(ordered))
    if not found.values.shape[1]:
        raise UsageError(f"{OWNER}: a row must hold at least one value, got none")
    if width is not None and found.values.shape[1] != width:
        raise UsageError(
            f"{OWNER}: the stream has {width} values a row, got {found.values.shape[1]}"
            + ("; a block of rows is an array (rows, values)" if single else "")
        )
    _refuse_infinite(found)
    return found


def _named(source: Any) -> Mapping[str, Any] | None:
    """Name -> value of a row, or cells of a block; None where there are no names."""
    if isinstance(source, Mapping):
        return {str(name): value for name, value in source.items()}
    if hasattr(source, "columns"):  # a frame
        return {str(name): source[name] for name in source.columns}
    if hasattr(source, "index") and hasattr(source, "to_dict"):  # a series, one row of a frame
        return {str(name): value for name, value in source.to_dict().items()}
    return None


def _ordered(given: list[str], names: tuple[str, ...] | None, width: int | None) -> Sequence[str]:
    if names is None:
        if width is not None and width != len(given):
            raise UsageError(f"{OWNER}: the stream has {width} values a row without names, got {listed(given)}")
        return given
    absent = [name for name in names if name not in given]
    new = [name for name in given if name not in names]
    if absent or new:
        said = [f"absent: {listed(absent)}"] * bool(absent) + [f"not known: {listed(new)}"] * bool(new)
        raise UsageError(
            f"{OWNER}: the columns of the stream are {listed(names)}, got others ({'; '.join(said)}); a value that is "
            "missing is NaN"
        )
    return names


def _array(source: Any) -> tuple[np.ndarray, bool]:
    try:
        array = np.asarray(source)
    except ValueError as error:
        raise UsageError(f"{OWNER}: rows must be an array (values,) or (rows, values): {shown(error, 200)}") from None
    if array.ndim > 2:
        raise UsageError(f"{OWNER}: rows must be an array (values,) or (rows, values), got {list(array.shape)}")
    block = np.atleast_2d(array)
    columns = [_column(f"value {place}", block[:, place]) for place in range(block.shape[1])]
    return np.stack(columns, axis=1) if columns else np.zeros((len(block), 0)), array.ndim < 2


def _column(name: str, cells: np.ndarray) -> np.ndarray:
    if cells.dtype.kind in "biuf":
        return cells.astype(np.float64)
    if cells.dtype.kind != "O":
        raise UsageError(f"{OWNER}: column '{shown(name)}' must hold numbers, got {_first_shown(cells)}")
    for row, cell in enumerate(cells):
        number = isinstance(cell, int | float | np.number | np.bool_) and not isinstance(cell, complex)
        if cell is not None and not number:
            raise UsageError(f"{OWNER}: column '{shown(name)}', row {row + 1}: a number is expected, got {shown(cell)}")
    return np.array([np.nan if cell is None else float(cell) for cell in cells], np.float64)


def _first_shown(cells: np.ndarray) -> str:
    return shown(cells[0]) if len(cells) else str(cells.dtype)


def _refuse_infinite(rows: Rows) -> None:
    wrong = np.argwhere(np.isinf(rows.values))
    if len(wrong):
        row, column = (int(place) for place in wrong[0])
        name = rows.names[column] if rows.names else f"value {column}"
        raise UsageError(
            f"{OWNER}: column '{shown(name)}', row {row + 1}: a finite number is expected, got "
            f"{rows.values[row, column]}; a value that is missing is NaN"
        )
