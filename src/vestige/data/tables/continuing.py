"""A column of times, continued beyond its end."""

import datetime
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from vestige.data.tables.contract import Cells
from vestige.data.tables.dates import STYLES, dates, written
from vestige.data.tables.text_numbers import numbers

NEAR = 1e-6
"""Steps that differ by no more than this share are equal."""
DAY = 86400.0


class Continued(NamedTuple):
    """Times that come next.

    - `cells`: of them; None where the times do not say.
    - `step`: seconds of a step; None where times are numbers, or do not say.
    - `months`: months of a step, where that is what is equal; else 0.
    - `reason`: why they cannot be continued; empty where they are.
    """

    cells: Cells | None
    step: float | None
    months: int
    reason: str

    @property
    def season(self) -> int | None:
        """Steps of a season: of a day for what is read several times a day, of a week for days, of a year for weeks,
        months and quarters; None where there is no such step."""
        if self.months:
            return 12 // self.months if self.months < 12 and 12 % self.months == 0 else None
        if self.step is None or self.step < 60:
            return None
        if self.step < DAY:
            return round(DAY / self.step) if abs(DAY / self.step - round(DAY / self.step)) < NEAR else None
        return {DAY: 7, 7 * DAY: 52}.get(self.step)


def continued(cells: Cells, steps: int, decimal: str = ".") -> Continued:
    """The times after the last of a column.

    **Arguments:**

    - `cells`: its last rows, at least one.
    - `steps`: how many times come next.
    - `decimal`: the decimal mark of texts that are numbers.

    **Returns:** dates as dates, texts in ISO 8601 (with as many parts as those of the table, where these are such),
    numbers as numbers; none where steps are unequal or missing, or nothing says whether
    dates are day first or month first.
    """
    if len(cells.values) < 2:
        return _not("one time says nothing of the next")
    if cells.missing.any():
        return _not("the last times are missing in part")
    values = cells.values
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[us]").astype(np.int64) / 1e6
        return _dates(seconds, steps, lambda found: (found * 1e6).round().astype(np.int64).astype("datetime64[us]"))
    read = dates(cells) if values.dtype.kind == "O" else None
    if read is None or (read.styles < 0).any():
        found = numbers(cells, decimal)
        if found.faults.any():
            return _not("the last times are neither numbers nor dates of one format")
        return _numbers(found.values, steps, whole=values.dtype.kind in "iu")
    if (read.styles != read.styles[0]).any():
        return _not("the last times are dates of several formats")
    if STYLES[read.styles[0]] == "numeric":
        orders = set(read.forced.tolist()) - {0}
        if len(orders) != 1:
            return _not("a date may be day first or month first; write dates as 2016-07-01")
        read = dates(cells, "day-first" if orders == {1} else "month-first")
    return _dates(read.seconds, steps, lambda found: _like(str(values[-1]), STYLES[read.styles[0]], found))


def _numbers(values: np.ndarray, steps: int, *, whole: bool) -> Continued:
    ahead = np.diff(values)
    if ahead[-1] == 0 or np.abs(ahead - ahead[-1]).max() > max(NEAR * abs(ahead[-1]), 1e-12 * np.abs(values).max()):
        return _not(_unequal(ahead))
    step = (values[-1] - values[0]) / len(ahead)
    found = values[-1] + step * np.arange(1, steps + 1)
    whole = whole or bool((values == np.floor(values)).all())
    return Continued(_there(found.round().astype(np.int64) if whole else found), None, 0, "")


def _dates(seconds: np.ndarray, steps: int, form: Callable[[np.ndarray], np.ndarray]) -> Continued:
    ahead = np.diff(seconds)
    counts = np.arange(1, steps + 1)
    if ahead[-1] > 0 and np.abs(ahead - ahead[-1]).max() <= NEAR * ahead[-1]:
        return Continued(_there(form(seconds[-1] + ahead[-1] * counts)), float(ahead[-1]), 0, "")
    if (months := _months(seconds)) is not None:
        last = _calendar(seconds[-1])
        found = np.array([_later(last, int(count) * months) for count in counts]) + seconds[-1] % DAY
        return Continued(_there(form(found)), None, months, "")
    return _not(_unequal(ahead))


def _calendar(seconds: float) -> datetime.date:
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=int(seconds // DAY))


def _months(seconds: np.ndarray) -> int | None:
    """How many months lie between any two times, on the same day of the month; None where they do not."""
    days = [_calendar(each) for each in seconds]
    counted = np.diff([12 * day.year + day.month for day in days])
    same = len({day.day for day in days}) == 1 and days[-1].day <= 28
    ends = all((day + datetime.timedelta(days=1)).day == 1 for day in days)
    if counted[0] < 1 or (counted != counted[0]).any() or not (same or ends) or len(set((seconds % DAY).tolist())) > 1:
        return None
    return int(counted[0])


def _later(day: datetime.date, months: int) -> float:
    """Seconds of the day so many months later; the last of a month stays the last."""
    count = 12 * day.year + day.month - 1 + months
    if (day + datetime.timedelta(days=1)).day == 1:
        following = datetime.date((count + 1) // 12, (count + 1) % 12 + 1, 1)
        found = following - datetime.timedelta(days=1)
    else:
        found = datetime.date(count // 12, count % 12 + 1, day.day)
    return (found - datetime.date(1970, 1, 1)).days * DAY


def _like(text: str, style: str, seconds: np.ndarray) -> np.ndarray:
    """ISO 8601 with the parts and the letter between them that a text has."""
    units: dict[int, Literal["D", "m", "s"]] = {10: "D", 16: "m", 19: "s"}
    if style == "iso" and len(text) in units:
        stamps = (seconds * 1e6).round().astype(np.int64).astype("datetime64[us]")
        made = np.datetime_as_string(stamps, unit=units[len(text)]).tolist()
        return np.array([each.replace("T", text[10:11]) for each in made], object)
    zone = "Z" if style == "iso-zone" else ""
    return np.array([each + zone for each in written(seconds)], object)


def _unequal(ahead: np.ndarray) -> str:
    return f"the last steps are not of equal length, {ahead.min():g} to {ahead.max():g}"


def _there(values: np.ndarray) -> Cells:
    return Cells(values, np.zeros(len(values), bool))


def _not(reason: str) -> Continued:
    return Continued(None, None, 0, reason)
