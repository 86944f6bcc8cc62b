"""What is found in one column in a single pass, in bounded memory."""

import zlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from vestige.data.tables.contract import Cells, Field
from vestige.data.tables.dates import STYLES, Order, Style, dates
from vestige.data.tables.text_numbers import Numbers, number, numbers

MOST_DISTINCT = 2**12
"""How many different numbers are counted."""
MOST_WORDS = 2**16
"""How many different texts are counted."""
COMPACT = (19000101, 21001231)
"""The range of dates such as 20160701."""
SENTINELS = (-999.0, -9999.0, -99999.0, -99.0, 9999.0, 99999.0, 999999.0)
_LEAST_SHARE = 0.5
SAMPLE = 256

Seen = tuple[int, str]
"""A row, counted from 0, and the text that stands there."""


@dataclass
class Profile:
    """What was found so far in the column `source`, whose texts have the decimal mark `decimal` and whose numeric dates
    the `order`."""

    source: Field
    decimal: str = "."
    order: Order | None = None
    most_values: int = MOST_DISTINCT
    most_words: int = MOST_WORDS
    rows: int = 0
    missing: int = 0
    is_text: bool = False
    is_date: bool = False
    """Whether the source itself says that they are dates."""
    may_be_number: bool = True
    may_be_date: bool = True
    numeric: int = 0
    """How many values are numbers."""
    fault: Seen | None = None
    """The first value that is none."""
    low: float = np.inf
    high: float = -np.inf
    whole: bool = True
    increasing: bool = True
    """Whether each number is larger than the one before."""
    by_one: bool = True
    commas: int = 0
    """Texts that would be numbers with a decimal comma."""
    values: Counter[float] | None = field(default_factory=Counter)
    words: Counter[str] | None = field(default_factory=Counter)
    sentinels: Counter[float] = field(default_factory=Counter)
    dated: int = 0
    styles: dict[Style, tuple[int, Seen]] = field(default_factory=dict)
    forced: dict[Order, Seen] = field(default_factory=dict)
    """Where a date can only be read day first, or month first."""
    date_fault: Seen | None = None
    date_low: float = np.inf
    date_high: float = -np.inf
    digest: int = 0
    _last: float = -np.inf

    @property
    def present(self) -> int:
        """How many values are not missing."""
        return self.rows - self.missing

    def update(self, start: int, cells: Cells) -> np.ndarray | None:
        """Take in further cells.

        **Arguments:**

        - `start`: the number of their first row.
        - `cells`: of this column.

        **Returns:** their numbers, or the seconds since 1970 of their dates, NaN where there is none; None where they
        are neither.
        """
        self.is_text |= cells.values.dtype.kind == "O"
        self.is_date |= cells.values.dtype.kind == "M"
        if self.is_text and self.may_be_number and not self.numeric and not self._looks_numeric(cells):
            self.may_be_number = False
        found = numbers(cells, self.decimal) if self.may_be_number else None
        missing = cells.missing if found is None else found.missing
        self.rows += len(missing)
        self.missing += int(missing.sum())
        if found is not None:
            self._numbers(start, cells, found)
        plain = b"" if found is None else found.values.tobytes()
        if self.is_text and (found is None or found.faults.any()):
            plain = "\x1f".join(cells.values.tolist()).encode("utf-8", "replace")
        self.digest = zlib.crc32(plain, self.digest)
        if not self.is_text:
            return None if found is None else found.values
        self._texts(cells, missing)
        seconds = None
        if self.may_be_date and (found is None or found.faults.any()):
            seconds = self._dates(start, cells)
        if self.present and self.numeric < _LEAST_SHARE * self.present:
            self.may_be_number = False
        if self.present and self.numeric + self.dated < _LEAST_SHARE * self.present:
            self.may_be_date = False
        return seconds if self.dated > self.numeric else None if found is None else found.values

    @property
    def compact(self) -> bool:
        """Whether all values could be dates such as 20160701."""
        return self.is_text and self.whole and self.low >= COMPACT[0] and self.high <= COMPACT[1]

    def compact_dates(self, cells: Cells) -> np.ndarray:
        """The dates that are written so in `cells`, seconds since 1970, NaN where there is none."""
        seconds = dates(cells, self.order).seconds
        self._range_of(seconds)
        return seconds

    def _looks_numeric(self, cells: Cells) -> bool:
        """Whether half of some texts of a batch are numbers: else the others need not be looked at."""
        texts = cells.values[~cells.missing]
        texts = texts[:: max(1, len(texts) // SAMPLE)]
        return sum(number(text, self.decimal) is not None for text in texts) >= _LEAST_SHARE * len(texts)

    def _numbers(self, start: int, cells: Cells, found: Numbers) -> None:
        known = found.values[~np.isnan(found.values)]
        self.numeric += len(known)
        if self.fault is None and found.faults.any():
            row = int(np.argmax(found.faults))
            self.fault = start + row, str(cells.values[row])
        if not len(known):
            return
        self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))
        self.whole = self.whole and bool((known == np.floor(known)).all())
        ahead = np.diff(known, prepend=self._last)
        self.increasing = self.increasing and bool((ahead > 0).all())
        self.by_one = self.by_one and bool((ahead[np.isfinite(ahead)] == 1).all())
        self._last = float(known[-1])
        if self.values is not None:
            each, counts = np.unique(known, return_counts=True)
            self.values.update(dict(zip(each.tolist(), counts.tolist(), strict=True)))
            self.values = self.values if len(self.values) <= self.most_values else None
        for value in SENTINELS:
            if self.low <= value <= self.high and (times := int((known == value).sum())):
                self.sentinels[value] += times

    def _texts(self, cells: Cells, missing: np.ndarray) -> None:
        texts = cells.values[~missing].tolist()
        if self.words is not None:
            self.words.update(texts)
            most = self.most_values if self.numeric == self.present else self.most_words
            self.words = self.words if len(self.words) <= most else None
        if self.decimal == "." and texts and "," in texts[0]:
            self.commas += sum(text.replace(",", "", 1).lstrip("-+").isdigit() for text in texts)

    def _dates(self, start: int, cells: Cells) -> np.ndarray:
        found = dates(cells, self.order)
        self.dated += int((found.styles >= 0).sum())
        for place in np.unique(found.styles[found.styles >= 0]).tolist():
            here = found.styles == place
            row = int(np.argmax(here))
            count, first = self.styles.get(STYLES[place], (0, (start + row, str(cells.values[row]))))
            self.styles[STYLES[place]] = count + int(here.sum()), first
        orders: tuple[tuple[int, Order], ...] = ((1, "day-first"), (2, "month-first"))
        for place, order in orders:
            if (found.forced == place).any() and order not in self.forced:
                row = int(np.argmax(found.forced == place))
                self.forced[order] = start + row, str(cells.values[row])
        faulty = ~cells.missing & (found.styles < 0)
        if self.date_fault is None and faulty.any():
            row = int(np.argmax(faulty))
            self.date_fault = start + row, str(cells.values[row])
        self._range_of(found.seconds)
        return found.seconds

    def _range_of(self, seconds: np.ndarray) -> None:
        if (known := seconds[~np.isnan(seconds)]).size:
            self.date_low = min(self.date_low, float(known.min()))
            self.date_high = max(self.date_high, float(known.max()))
