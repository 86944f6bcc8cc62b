"""Numbers as a person reads them."""

import math
from typing import Any

MISSING = "–"


def number(value: Any) -> float | None:
    """`value` as a finite float; None where it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def format_number(value: int | float | None) -> str:
    """`value` with as many digits as are worth reading; a dash for None, "NaN" and "∞" for what is no number."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return _not_finite(value)
    size = abs(value)
    if size >= 1e6:
        text = f"{value:,.0f}"
    elif size >= 10:
        text = f"{value:,.1f}"
    elif 0.985 <= size < 1:  # a part of the whole that is nearly all of it
        text = f"{value:.3f}"
    elif size >= 0.01 or size == 0:
        text = f"{value:.2f}"
    elif size >= 0.0005:
        text = f"{value:.3f}"
    else:
        return "< 0.001" if value > 0 else "> −0.001"
    return text.replace("-", "−")


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"


def format_count(value: Any) -> str:
    """A whole number with its thousands apart; a dash where there is none."""
    known = number(value)
    return MISSING if known is None else f"{known:,.0f}"


def format_times(value: Any) -> str:
    """A ratio as a multiple: `1.4 ×`; a dash where there is none."""
    known = number(value)
    return MISSING if known is None else f"{known:.{0 if known >= 100 else 1 if known >= 10 else 2}f} ×"


def format_seconds(value: int | float | None) -> str:
    """A duration in its two largest units: `4.2 s`, `12 min 14 s`, `3 h 5 min`."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return _not_finite(value)
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def format_short_seconds(value: int | float | None) -> str:
    """A duration in one unit, for a narrow column: `4.2 s`, `12.2 min`, `3.1 h`."""
    if value is None or value < 59.95 or not math.isfinite(value):
        return format_seconds(value)
    return f"{value / 60:.1f} min" if value < 3597 else f"{value / 3600:,.1f} h"


def format_steps(value: int | float) -> str:
    """A number of updates for the foot of a curve: `500`, `2k`, `1.5M`."""
    if not math.isfinite(value):
        return _not_finite(value)
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"


def format_bytes(value: int | float) -> str:
    """An amount of memory in the unit that suits it: `820 B`, `6.1 MiB`, `1.5 GiB`."""
    if not math.isfinite(value):
        return _not_finite(value)
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} B"
