"""The beginning of a table, with some of its cells hidden."""

from collections.abc import Iterator

import numpy as np

from vestige.data.tables.contract import AbstractTable, Cells


class HiddenTable(AbstractTable):
    """The first rows of a table, in which further cells are missing.

    **Arguments:**

    - `table`: as it is.
    - `columns`: those of which cells are hidden.
    - `hidden`: (rows, columns) booleans, where; no more rows than these are read.
    """

    def __init__(self, table: AbstractTable, columns: tuple[str, ...], hidden: np.ndarray):
        self._table, self._columns, self._hidden = table, columns, hidden
        self.name, self.fields, self.rows = table.name, table.fields, len(hidden)
        self.notes, self.decimal, self.missing_numbers = table.notes, table.decimal, table.missing_numbers

    def place(self, row: int) -> str:
        """As of the table."""
        return self._table.place(row)

    def pieces(self, names: tuple[str, ...], size: int) -> Iterator[dict[str, Cells]]:
        """As of the table, with more of it missing."""
        for whole in self._table.batches(names, size=size):
            left = len(self._hidden) - whole.start
            if left < 1:
                return
            batch = whole.first(min(left, whole.rows))
            found = dict(batch.cells)
            for place, name in enumerate(self._columns):
                if name in found:
                    gone = self._hidden[batch.start : batch.start + batch.rows, place]
                    found[name] = Cells(found[name].values, found[name].missing | gone)
            yield found
