"""The rows of a table after which something is forecast, with the state there, what went before, and what came."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from vestige.data.tables import Cells
from vestige.tasks.filtering.recorded_steps import StepsSeen
from vestige.tasks.filtering.step_reader import Carried

Carry = Callable[[StepsSeen], Carried]
"""What is carried from each of some consecutive rows, time first, on the host."""


class Origin(NamedTuple):
    """One of the rows.

    - `row`: its number, counted from 0.
    - `carried`: from it.
    - `skipped`: how many rows up to it, it included, are missing.
    - `before`: (rows, p) float64, the last rows of its document up to it, at most as many as were wanted.
    - `after`: (rows, p) float64, those that come, as many as were wanted; none where they were not.
    - `passed`: cells of the rows of `before`.
    """

    row: int
    carried: Carried
    skipped: int
    before: np.ndarray
    after: np.ndarray
    passed: dict[str, Cells]


class _Window:
    """The last rows that were read."""

    def __init__(self) -> None:
        self.start = 0
        self.seen: np.ndarray | None = None
        self.begins: np.ndarray = np.zeros(0, np.int64)
        self.passed: dict[str, Cells] = {}

    @property
    def stop(self) -> int:
        return self.start + (0 if self.seen is None else len(self.seen))

    def add(self, rows: StepsSeen, begins: np.ndarray) -> None:
        if self.seen is None:
            self.start, self.seen, self.begins, self.passed = rows.start, rows.seen, begins, dict(rows.passed)
            return
        self.seen, self.begins = np.concatenate([self.seen, rows.seen]), np.concatenate([self.begins, begins])
        joined = lambda a, b: Cells(np.concatenate([a.values, b.values]), np.concatenate([a.missing, b.missing]))
        self.passed = {name: joined(self.passed[name], cells) for name, cells in rows.passed.items()}

    def forget(self, until: int) -> None:
        count = min(max(until - self.start, 0), self.stop - self.start)
        if count and self.seen is not None:
            self.start += count
            self.seen, self.begins = self.seen[count:], self.begins[count:]
            self.passed = {name: Cells(c.values[count:], c.missing[count:]) for name, c in self.passed.items()}


def origins(
    steps: Iterator[StepsSeen], wanted: np.ndarray, carry: Carry, *, before: int, after: int
) -> Iterator[Origin]:
    """Read a table and stop at some of its rows.

    Memory in proportion to a chunk of rows, `before` and `after`, and a state for each row that waits for what comes.

    **Arguments:**

    - `steps`: the rows of a table in order.
    - `wanted`: (n,) integers that rise, the rows at which to stop.
    - `carry`: called with each chunk of rows.
    - `before`, `after`: how many rows are kept up to each, and how many that come.

    **Returns:** an iterator; one before which its document holds no value is left out.
    """
    window, waiting, left = _Window(), deque[tuple[int, Carried, int]](), deque(wanted.tolist())
    begin, seen = 0, -1
    for rows in steps:
        each = carry(rows)
        numbers = rows.start + np.arange(len(rows.seen))
        begins = np.maximum.accumulate(np.where(rows.resets, numbers, begin))
        last = np.maximum.accumulate(np.where(~np.isnan(rows.seen).all(axis=1), numbers, seen))
        begin, seen = int(begins[-1]), int(last[-1])
        window.add(rows, begins)
        while left and left[0] < window.stop:
            row = left.popleft()
            place = row - rows.start
            if last[place] >= begins[place]:
                waiting.append((row, _at(each, place), row - int(last[place])))
        while waiting and waiting[0][0] + after < window.stop:
            yield _made(window, *waiting.popleft(), before, after)
        first = waiting[0][0] if waiting else left[0] if left else window.stop
        window.forget(min(first, window.stop) - before + 1)
    while waiting:
        yield _made(window, *waiting.popleft(), before, after)


def _at(carried: Carried, place: int) -> Carried:
    return jax.tree.map(lambda leaf: leaf[place], carried)


def _made(window: _Window, row: int, carried: Carried, skipped: int, before: int, after: int) -> Origin:
    assert window.seen is not None
    place = row - window.start
    first = max(0, place + 1 - before, int(window.begins[place]) - window.start)
    kept = slice(first, place + 1)
    passed = {name: Cells(cells.values[kept], cells.missing[kept]) for name, cells in window.passed.items()}
    return Origin(row, carried, skipped, window.seen[kept], window.seen[place + 1 : place + 1 + after], passed)
