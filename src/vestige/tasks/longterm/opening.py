"""A file by its name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vestige.data import example_stream
from vestige.errors import UsageError, shown
from vestige.sequences import AbstractReader, ArrayRecordReader, NpyReader, ParquetReader, ZarrReader


def opened(path: str, *, inputs: str, outcomes: str, unknown: bool) -> AbstractReader:
    """A reader, by the ending of a path.

    **Arguments:**

    - `path`: of a file or a folder.
    - `inputs`, `outcomes`: names of the columns or arrays.
    - `unknown`: whether NaN, or a negative class, says that a step has no outcome.

    **Raises:** `UsageError` for another ending, and as the readers do.
    """
    ending = Path(path).suffix.lower()
    if ending not in OPENERS and not Path(path).is_dir():
        there = "is no folder" if Path(path).exists() else "is not there"
        known = ", ".join(sorted(OPENERS))
        raise UsageError(
            f"{path} {there}; give a folder that holds {inputs}.npy and {outcomes}.npy, or what ends in {known}"
        )
    return OPENERS.get(ending, _npy)(path, inputs, outcomes, unknown)


def are_records(path: str) -> bool:
    """Whether the file at `path` holds array records, which say nothing of what they hold."""
    return OPENERS.get(Path(path).suffix.lower()) is _records


def holds_numbers(path: str, inputs: str, outcomes: str) -> bool:
    """Whether the steps of a file are floating-point numbers, which a model takes as they are.

    Only its header is read. Of a file that no reader here knows, or without these columns, it is False; what is absent
    otherwise is reported by what reads it.

    **Arguments:**

    - `path`: of a file or a folder.
    - `inputs`, `outcomes`: names of the columns or arrays; of records the types.
    """
    if Path(path).suffix.lower() not in OPENERS and not (Path(path) / f"{inputs}.npy").is_file():
        return False
    try:
        reader = opened(path, inputs=inputs, outcomes=outcomes, unknown=True)
    except UsageError:
        return False
    return reader.inputs.dtype.kind == "f" == reader.outcomes.dtype.kind


class Example(NamedTuple):
    """The invented stream."""

    files: tuple[AbstractReader, AbstractReader]
    """To learn from and to evaluate on."""
    tokens: int
    classes: int


def example() -> Example:
    """The invented stream, from its files in the cache."""
    data = example_stream.ExampleStream()
    train, held_out = (_npy(str(data.folder(part)), "inputs", "outcomes", True) for part in example_stream.EPISODES)
    return Example((train, held_out), example_stream.TOKENS, example_stream.SYMBOLS)


def _npy(path: str, inputs: str, outcomes: str, unknown: bool) -> AbstractReader:
    return NpyReader(Path(path) / f"{inputs}.npy", Path(path) / f"{outcomes}.npy", unknown_outcomes=unknown)


def _parquet(path: str, inputs: str, outcomes: str, unknown: bool) -> AbstractReader:
    """Columns of numbers make a vector, even one of them; a column of integers is itself."""
    names = inputs.split(",")
    if len(names) == 1:
        reader = ParquetReader(path, inputs=inputs, outcomes=outcomes, unknown_outcomes=unknown)
        if reader.inputs.dtype.kind != "f":
            return reader
    return ParquetReader(path, inputs=names, outcomes=outcomes, unknown_outcomes=unknown)


def _zarr(path: str, inputs: str, outcomes: str, unknown: bool) -> AbstractReader:
    return ZarrReader(path, inputs=inputs, outcomes=outcomes, unknown_outcomes=unknown)


def _records(path: str, inputs: str, outcomes: str, unknown: bool) -> AbstractReader:
    seen, predicted = _kind("inputs", inputs), _kind("outcomes", outcomes)
    return ArrayRecordReader(path, inputs=seen, outcomes=predicted, unknown_outcomes=unknown)


def _kind(what: str, text: str) -> tuple[np.dtype, tuple[int, ...]]:
    try:
        kind = np.dtype(text)
    except (TypeError, ValueError, SyntaxError):
        raise UsageError(
            f"--task.{what}: of records it is the numpy type of one step, such as i4 or (3,)f4; got '{shown(text)}'"
        ) from None
    return kind.subdtype or (kind, ())


OPENERS: Mapping[str, Callable[[str, str, str, bool], AbstractReader]] = {
    ".parquet": _parquet,
    ".zarr": _zarr,
    ".array_record": _records,
    ".arrayrecord": _records,
}
