"""A source as a table of steps: a table as it is, a text as its characters."""

from pathlib import Path
from typing import Any

from vestige.data.steps.prose import TextTable
from vestige.data.tables import AbstractTable, ReadOptions, open_table


def open_steps(source: Any, reading: ReadOptions = ReadOptions(), *, text: bool = False) -> AbstractTable:
    """Open what a stream is read from.

    **Arguments:**

    - `source`: what `vestige.data.open` reads; of a text a path.
    - `reading`: how a file is read.
    - `text`: whether it is a text, of whose characters the next one is predicted.

    **Raises:** `UsageError`, as `open_table`.
    """
    if text and isinstance(source, str | Path):
        return TextTable(source, reading.encoding)
    return open_table(source, reading)
