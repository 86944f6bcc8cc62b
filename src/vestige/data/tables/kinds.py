"""Which kind a column is, by what was found in it, and why."""

import re
from dataclasses import dataclass

import numpy as np

from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.dates import Order
from vestige.data.tables.profile import Profile
from vestige.data.tables.schema import Kind
from vestige.errors import shown

MOST_CLASSES = 1000
"""How many classes are suggested at most."""
NEARLY = 0.9
"""From this share on, values that are no numbers are faults in a column of numbers."""
LARGEST_COUNT = 2**24
"""Counts up to here are exact in float32, in which a model sees them unscaled."""
SPIKES = "spikes"
"""The unit of counts of spikes, which are counts also where there is never more than one."""
UNORDERED = "in no order, so that it is not the time of the rows"
"""Why a column of dates is ignored."""
TIME_NAMES = (
    "time", "date", "datetime", "timestamp", "ts", "t", "day", "seconds", "date_time", "time_s", "when", "year",
)  # fmt: skip
CALENDAR_NAMES = ("year", "quarter", "month", "week", "day", "weekday", "day_of_week", "dow", "hour", "minute")
"""Of columns that are known in advance."""
OUTCOME_NAMES = ("target", "label", "labels", "class", "outcome", "outcomes", "y")
_EPOCHS = (("seconds", 1e8, 1e10), ("milliseconds", 1e11, 1e13), ("microseconds", 1e14, 1e16))


@dataclass(frozen=True)
class Found:
    """The kind of a column, how its times are written, why, and what is suspicious."""

    kind: Kind
    reason: str
    time_format: str | None = None
    suspicions: tuple[str, ...] = ()


def kind_of(profile: Profile, table: AbstractTable, order: Order | None, *, forward: bool = False) -> Found:
    """The kind that is suggested for a column.

    **Arguments:**

    - `profile`: what was found in it.
    - `table`: for the places of rows in messages.
    - `order`: of numeric dates, where the user has said it.
    - `forward`: whether the values increase from row to row, inside documents where there are any.
    """
    name, present = profile.source.name, profile.present
    if not present:
        return Found("number", "every value is missing")
    if profile.is_date:
        return Found("time", "dates", "iso")
    if not profile.is_text or profile.numeric >= NEARLY * present:
        return _numeric(profile, table, forward)
    if profile.dated >= NEARLY * present:
        return _dated(profile, table, order)
    suspicions: list[str] = []
    if profile.numeric >= 0.5 * present and profile.fault is not None:
        suspicions.append(_faults(profile, table))
    if profile.commas > 0.5 * present:
        suspicions.append(f"column '{name}' looks like numbers with commas: if they are decimal, --decimal ,")
    if profile.dated >= 0.5 * present:
        row, text = profile.date_fault or (0, "")
        suspicions.append(f"column '{name}', {table.place(row)}: '{shown(text, 30)}' is no date, most others are")
    words = len(profile.words) if profile.words is not None else None
    if words is not None and words <= MOST_CLASSES and (words <= 20 or words <= present / 2):
        return Found("class", f"texts of {words:,} kinds", suspicions=tuple(suspicions))
    many = f"more than {len(profile.words or ()):,}" if words is None else f"{words:,}"
    return Found("text", f"{many} different texts in {present:,} values", suspicions=tuple(suspicions))


def names_outcome(name: str, table: AbstractTable) -> bool:
    """Whether a column is named as what is predicted.

    **Arguments:**

    - `name`: of the column.
    - `table`: beside a column x, y is a coordinate.
    """
    names = {base_name(other) for other in table.names}
    return base_name(name) in OUTCOME_NAMES and not (base_name(name) == "y" and "x" in names)


def base_name(name: str) -> str:
    """The `name` of a column in lower case, without a unit behind it."""
    return re.sub(r"\s*[(\[][^()\[\]]*[)\]]$", "", name).strip().lower()


def time_format(profile: Profile, order: Order | None) -> str | None:
    """How the times of a column are written.

    **Arguments:**

    - `profile`: what was found in it.
    - `order`: of numeric dates, where the user has said it.

    **Returns:** one of `TIME_FORMATS`; None where that is not known.
    """
    if profile.is_date:
        return "iso"
    if profile.numeric >= profile.dated:
        low, high = profile.low, profile.high
        if profile.compact:
            return "compact"
        if profile.whole and not profile.is_text and low >= 1e17 and high < 1e19:
            return "nanoseconds"
        return next((name for name, least, most in _EPOCHS if least <= low and high < most), "number")
    style = max(profile.styles, key=lambda style: profile.styles[style][0])
    if style != "numeric":
        return style
    return order or (next(iter(profile.forced)) if len(profile.forced) == 1 else None)


def _numeric(profile: Profile, table: AbstractTable, forward: bool) -> Found:
    name = profile.source.name
    suspicions = [_faults(profile, table)] if profile.fault is not None else []
    distinct = len(profile.values) if profile.values is not None else None
    for value, times in profile.sentinels.items():
        others = [v for v in profile.values or () if v != value]
        if others and (value < min(others) - np.ptp(others) or value > max(others) + np.ptp(others)) and times > 1:
            suspicions.append(
                f"column '{name}' holds {value:g} {times:,} times, far from its other values: if that stands for a "
                f"missing value, --missing={value:g}"
            )
    epoch = next((form for form, least, most in _EPOCHS if least <= profile.low and profile.high < most), None)
    if base_name(name) in TIME_NAMES and (forward or epoch):
        return Found(
            "time", f"named {name}, and {epoch or 'increasing'}", time_format(profile, None), tuple(suspicions)
        )
    if profile.numeric == 0:
        return Found(
            "text", "whole numbers beyond ±2^53, which float64 cannot tell apart", suspicions=tuple(suspicions)
        )
    if profile.source.unit == SPIKES:
        return Found("count", "counts of spikes", suspicions=tuple(suspicions))
    if profile.whole and profile.low >= 0 and profile.high <= 1 and distinct == 2:
        return Found("bit", "0 and 1 alone", suspicions=tuple(suspicions))
    if profile.whole and distinct is not None and distinct <= 100 and names_outcome(name, table):
        return Found("class", f"named {name}, {distinct:,} different whole numbers", suspicions=tuple(suspicions))
    if profile.whole and 0 <= profile.low <= 1 and profile.high < LARGEST_COUNT and not profile.increasing:
        return Found("count", f"whole numbers from {profile.low:g} on", suspicions=tuple(suspicions))
    return Found("number", "whole numbers" if profile.whole else "numbers", suspicions=tuple(suspicions))


def _dated(profile: Profile, table: AbstractTable, order: Order | None) -> Found:
    name, suspicions = profile.source.name, []
    if profile.date_fault is not None:
        row, text = profile.date_fault
        suspicions.append(f"column '{name}', {table.place(row)}: '{shown(text, 30)}' is no date")
    if len(profile.styles) > 1:
        said = "; ".join(
            f"{table.place(row)} '{shown(text, 30)}' ({style})" for style, (_, (row, text)) in profile.styles.items()
        )
        suspicions.append(f"column '{name}' holds dates in several formats: {said}. Write them in one, best ISO 8601")
    if "numeric" in profile.styles and order is None:
        if len(profile.forced) == 2:
            said = "; ".join(f"{table.place(row)} '{shown(text, 30)}' {o}" for o, (row, text) in profile.forced.items())
            suspicions.append(f"column '{name}' holds dates of both orders: {said}. Write them in one, best ISO 8601")
        elif not profile.forced:
            text = profile.styles["numeric"][1][1]
            suspicions.append(
                f"column '{name}': '{shown(text, 30)}' and all others are dates day first and month first; say which: "
                "--dates day-first, or --dates month-first"
            )
    form = time_format(profile, order)
    return Found("time", f"dates, {form or 'of unknown order'}", form, tuple(suspicions))


def _faults(profile: Profile, table: AbstractTable) -> str:
    assert profile.fault is not None
    row, text = profile.fault
    count = profile.present - profile.numeric
    where = f"column '{profile.source.name}', {table.place(row)}"
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return f"{where}: {shown(text, 30)} is a whole number beyond ±2^53, which float64 cannot tell apart"
    if "inf" in text.lower():
        return f"{where}: '{shown(text, 30)}' is not finite; numbers must be finite, or missing"
    others = f" ({count:,} of {profile.present:,} values are none)" if count > 1 else ""
    return (
        f"{where}: '{shown(text, 30)}' is no number{others}; correct it, name it as missing "
        f"(--missing '{shown(text, 20)}'), or make the column classes (--kind '{profile.source.name}=class')"
    )
