"""What is found in times and documents in a single pass: steps, gaps, and where documents begin."""

from dataclasses import dataclass, field

import numpy as np

from vestige.data.tables.contract import Cells
from vestige.data.tables.schema import Steps

WIDTH = 0.005
"""Differences of times are counted by their logarithms, in bins of half a percent."""
NEAR, GAP = 0.01, 1.5
MOST_DOCUMENTS = 2**20


FEW = 20
"""Steps from which on times that go back and forth are none."""


@dataclass
class StepCounts:
    """The differences between successive times, counted in bounded memory."""

    counts: dict[int, int] = field(default_factory=dict)
    sums: dict[int, float] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    backward: int = 0
    earlier: int = 0
    """Of these steps the ones that do not stand still."""
    first_backward: int | None = None
    longest: float = 0.0
    _last: float = np.nan

    def update(self, start: int, times: np.ndarray, begins: np.ndarray) -> None:
        """Take in further rows.

        **Arguments:**

        - `start`: the number of the first row.
        - `times`: (rows,) float64; NaN where there is none.
        - `begins`: (rows,), booleans: where a document begins, the time before does not count.
        """
        ahead = np.diff(times, prepend=self._last)
        self._last = float(times[-1])
        ahead[begins] = np.nan
        back = ahead <= 0
        if back.any():
            self.backward += int(back.sum())
            self.earlier += int((ahead < 0).sum())
            if self.first_backward is None:
                self.first_backward = start + int(np.argmax(back))
        rows = np.flatnonzero(ahead > 0)
        if not len(rows):
            return
        self.longest = max(self.longest, float(ahead[rows].max()))
        bins = np.floor(np.log(ahead[rows]) / WIDTH).astype(np.int64)
        each, where, inverse, counts = np.unique(bins, return_index=True, return_inverse=True, return_counts=True)
        totals = np.bincount(inverse, ahead[rows])
        for name, place, total, count in zip(
            each.tolist(), where.tolist(), totals.tolist(), counts.tolist(), strict=True
        ):
            self.counts[name] = self.counts.get(name, 0) + count
            self.sums[name] = self.sums.get(name, 0.0) + total
            self.first.setdefault(name, start + int(rows[place]))

    @property
    def in_order(self) -> bool:
        """Whether the times rise, or fall, but for a tenth of the steps: others are no times of the rows. Few steps
        say nothing."""
        later = sum(self.counts.values())
        return later + self.earlier < FEW or min(later, self.earlier) <= (later + self.earlier) / 10

    def steps(self) -> Steps | None:
        """What was found; None where there are no two times."""
        if not self.counts:
            last = self.backward > 0
            return Steps(0.0, True, 0, 0.0, self.backward, None, self.first_backward) if last else None
        order = sorted(self.counts)
        middle = np.searchsorted(np.cumsum([self.counts[name] for name in order]), sum(self.counts.values()) / 2)
        typical = self.sums[order[middle]] / self.counts[order[middle]]
        mean = {name: self.sums[name] / self.counts[name] for name in order}
        wide = [name for name in order if mean[name] > GAP * typical]
        irregular = any(abs(mean[name] / typical - 1) > NEAR for name in order) or self.backward > 0
        return Steps(
            typical=float(typical),
            irregular=irregular,
            gaps=sum(self.counts[name] for name in wide),
            longest=self.longest,
            backward=self.backward,
            first_gap=min((self.first[name] for name in wide), default=None),
            first_backward=self.first_backward,
        )


@dataclass
class DocumentCounts:
    """Where documents begin: rows in which the value of a column changes."""

    seen: set[object] = field(default_factory=set)
    runs: int = 0
    rows: int = 0
    longest: int = 0
    longest_name: object = None
    returns: tuple[int, str] | None = None
    """The first row in which a document goes on that had ended, and its name."""
    too_many: bool = False
    _last: object = None
    _since: int = 0

    def update(self, start: int, cells: Cells) -> np.ndarray:
        """Take in further rows.

        **Arguments:**

        - `start`: the number of the first row.
        - `cells`: of the column; missing values make a document of their own.

        **Returns:** (rows,), booleans: where a document begins.
        """
        values = cells.values.astype(object)
        values[cells.missing] = None
        begins = np.ones(len(values), bool)
        begins[1:] = values[1:] != values[:-1]
        if self.rows:
            begins[0] = values[0] != self._last
        for row in np.flatnonzero(begins).tolist():
            self._end(start + row)
            name = values[row]
            if name in self.seen and self.returns is None:
                self.returns = start + row, str(name)
            if len(self.seen) < MOST_DOCUMENTS:
                self.seen.add(name)
            else:
                self.too_many = True
            self.runs += 1
            self._last, self._since = name, start + row
        self.rows = start + len(values)
        return begins

    def finish(self) -> None:
        """Count the last document."""
        self._end(self.rows)

    def _end(self, row: int) -> None:
        if self.runs and row - self._since > self.longest:
            self.longest, self.longest_name = row - self._since, self._last
