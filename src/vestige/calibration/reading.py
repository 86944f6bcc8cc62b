"""Inputs and labels of a classifier, from a table."""

from typing import NamedTuple

import numpy as np

from vestige.data.tables import AbstractTable, Column
from vestige.data.tables.raw import values_of
from vestige.errors import UsageError, listed


class Examples(NamedTuple):
    """Rows of a table.

    - `inputs`: (rows, features) float64; `labels`: (rows,) integers; `names`: of the features, in order.
    """

    inputs: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]


def examples(
    table: AbstractTable, outcome: str, *, inputs: tuple[str, ...] = (), classes: tuple[str, ...] = ()
) -> Examples:
    """The rows of a table as a network takes them, all in memory.

    **Arguments:**

    - `table`: with a column for each feature, numbers, in the scale that the network takes.
    - `outcome`: the column of classes.
    - `inputs`: the columns of features, in the order of the network; by default all others, as they stand.
    - `classes`: their names in the order of the network's outputs; by default the column holds numbers, from 0 on.

    **Returns:** the examples.

    **Raises:** `UsageError` for an unknown column, and with column and row for a value that is missing or does not fit.
    """
    names = inputs or tuple(name for name in table.names if name != outcome)
    if not names or outcome in names:
        raise UsageError(
            f"{table.name}: inputs must be columns other than the outcome '{outcome}', got {listed(names)}"
        )
    cells = table.read([*names, outcome])
    columns = []
    for name in names:
        found = values_of(table, Column(name, "", "number", "input"), 0, cells[name])
        columns.append(_complete(table, name, found))
    wanted = Column(outcome, "", "class" if classes else "count", "outcome", vocabulary=classes)
    labels = _complete(table, outcome, values_of(table, wanted, 0, cells[outcome]))
    return Examples(np.stack(columns, axis=1), labels.astype(np.int64), tuple(names))


def _complete(table: AbstractTable, name: str, values: np.ndarray) -> np.ndarray:
    gone = np.isnan(values)
    if gone.any():
        row = table.place(int(np.argmax(gone)))
        raise UsageError(f"{table.name}, {row}: column '{name}' is missing; leave the row out, or fill the value in")
    return values
