"""Dates as seconds since 1970, in the forms in which people write them."""

import datetime
import re
from typing import Literal, NamedTuple

import numpy as np

from vestige.data.tables.contract import Cells

Style = Literal["iso", "iso-zone", "year-first", "numeric", "named", "compact"]
"""`2016-07-01 12:00`; the same with Z or +02:00; `2016/07/01`; `01/07/2016`; `1 Jul 2016`; `20160701`."""
Order = Literal["day-first", "month-first"]

STYLES: tuple[Style, ...] = ("iso", "iso-zone", "year-first", "numeric", "named", "compact")
_CLOCK = (
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)? ?(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TEXTS: tuple[tuple[Style, str], ...] = (
    ("iso", r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
    ("year-first", r"(?P<y>\d{4})(?P<s>[/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"),
    ("numeric", r"(?P<d>\d{1,2})(?P<s>[/.-])(?P<m>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})"),
    ("named", r"(?P<d>\d{1,2})[ -](?P<name>[A-Za-z]{3,9})\.?,?[ -](?P<y>\d{4}|\d{2})"),
    ("named", r"(?P<name>[A-Za-z]{3,9})\.?[ -](?P<d>\d{1,2}),?[ -](?P<y>\d{4})"),
    ("compact", r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
)
_FORMS = tuple((style, re.compile(form + _CLOCK, re.ASCII)) for style, form in _TEXTS)
_EPOCH = datetime.date(1970, 1, 1).toordinal()


class Dates(NamedTuple):
    """Texts as dates."""

    seconds: np.ndarray
    """(rows,) float64, since 1970 in UTC, exact to a microsecond; NaN where there is no date. A `numeric` date is read
    as the order says, and day first without one where that is a date."""
    styles: np.ndarray
    """(rows,) int8, the place in `STYLES`; -1 where the text is no date."""
    forced: np.ndarray
    """(rows,) int8, of `numeric` dates: 1 where only day first is a date, 2 where only month first is, else 0."""


def dates(cells: Cells, order: Order | None = None) -> Dates:
    """The dates that texts are.

    **Arguments:**

    - `cells`: of one column, texts.
    - `order`: of `numeric` dates, where it is known.

    **Returns:** seconds and styles; about 1 µs a cell for ISO 8601, 3 µs for others.
    """
    values, missing = cells.values, cells.missing
    fast = _iso(values[~missing])
    seconds, styles = np.full(len(values), np.nan), np.full(len(values), -1, np.int8)
    forced = np.zeros(len(values), np.int8)
    if fast is not None:
        seconds[~missing], styles[~missing] = fast, 0
        return Dates(seconds, styles, forced)
    for row in np.flatnonzero(~missing):
        if (found := _date(values[row], order)) is not None:
            seconds[row], styles[row], forced[row] = found
    return Dates(seconds, styles, forced)


def written(seconds: np.ndarray) -> list[str]:
    """Dates as ISO 8601 texts.

    **Arguments:** `seconds`: since 1970; NaN becomes an empty text.

    **Returns:** texts such as `2016-07-01T12:00:00`, with microseconds where there are any.
    """
    found = []
    for value in seconds:
        if not np.isfinite(value):
            found.append("")
            continue
        text = str(np.datetime64(round(float(value) * 1e6), "us"))
        found.append(text.removesuffix(".000000"))
    return found


def _iso(texts: np.ndarray) -> np.ndarray | None:
    """Those of ISO 8601 without a zone and of one length, at once; None where one is something else."""
    if not len(texts):
        return None
    size = len(texts[0])
    if size not in (10, 16, 19, 23, 26) or any(
        len(text) != size or text[4] != "-" or text[7] != "-" or not text.isascii() for text in texts
    ):
        return None
    joined = "".join(texts.tolist())
    if not joined.translate(_DIGITS).isdigit():
        return None
    try:
        return texts.astype("U26").astype("datetime64[us]").astype(np.int64) / 1e6
    except ValueError:
        return None


_DIGITS = str.maketrans("", "", "-T :.")


def _date(text: str, order: Order | None) -> tuple[float, int, int] | None:
    for style, form in _FORMS:
        if (match := form.fullmatch(text)) is None:
            continue
        parts = match.groupdict()
        clock = _clock(parts)
        year = _year(parts["y"])
        if clock is None:
            return None
        if "name" in parts:
            name = parts["name"].lower()
            month = next((i for i, known in enumerate(_MONTHS, 1) if name.startswith(known)), 0)
            days = _days(year, month, int(parts["d"]))
            return None if days is None else (days + clock, STYLES.index("named"), 0)
        first, second = int(parts["d"]), int(parts["m"])
        days = _days(year, second, first)
        if style != "numeric":
            style = "iso-zone" if style == "iso" and parts["zone"] else style
            return None if days is None else (days + clock, STYLES.index(style), 0)
        other = _days(year, first, second)
        if days is None and other is None:
            return None
        forced = 0 if days is not None and other is not None else (1 if days is not None else 2)
        chosen = other if order == "month-first" or (order is None and days is None) else days
        return (np.nan if chosen is None else chosen + clock, STYLES.index("numeric"), forced)
    return None


def _days(year: int, month: int, day: int) -> float | None:
    try:
        return (datetime.date(year, month, day).toordinal() - _EPOCH) * 86400.0
    except ValueError:
        return None


def _year(text: str) -> int:
    """Two digits are 1969 to 2068, as POSIX has it."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)


def _clock(parts: dict[str, str | None]) -> float | None:
    """Seconds since midnight in UTC; None where there is no such time."""
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    zone, offset = parts["zone"], 0
    if zone and zone[0] in "+-":
        offset = (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
    return hour * 3600 + minute * 60 + second + float(f"0.{parts['part'] or 0}") - offset
