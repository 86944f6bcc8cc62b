"""Numbers as a person reads them."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

MISSING = "–"


def number(value: Any) -> float | None:
    """`value` as a finite float; None where it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def format_number(value: int | float | None, digits: int = 3) -> str:
    """`value` to `digits` significant digits; a dash for None, "NaN" and "∞" for what is no number.

    A number that fewer digits say exactly is given those: 0, 0.5. Whole thousands keep all their digits. Near 1, where
    a share differs from the whole by what matters, it is that difference that has two digits: 0.9993.
    """
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return _not_finite(value)
    size = abs(value)
    if 10.0 ** (digits + 1) <= size < 1e15 or (1000 <= size < 1e15 and digits <= 4):
        return f"{value:,.0f}".replace("-", "−")
    if 0.985 <= size < 1 and digits <= 3:
        text = f"{value:.{min(8, 1 - math.floor(math.log10(1 - size)))}f}"
        text = text.rstrip("0") if float(text.rstrip("0")) == value else text
    elif 0 < size < 1e-4 or size >= 1e15:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        place = 0 if size == 0 else math.floor(math.log10(float(f"{size:.{digits - 1}e}")))
        text = f"{value:,.{max(0, digits - 1 - place)}f}"
    short = f"{value:.{digits}g}"
    if "e" not in short and float(short) == value:
        text = f"{float(short):,}".removesuffix(".0")
    return text.replace("-", "−")


def format_alike(values: Sequence[int | float | None], most: int = 6) -> list[str]:
    """Numbers that are compared, each to three significant digits, or to as many, up to `most`, as keep apart those
    that differ by a thousandth of the largest distance between any two.

    **Arguments:**

    - `values`: the numbers; None is a dash.
    - `most`: significant digits at most.
    """
    known = sorted({float(value) for value in values if value is not None and math.isfinite(value)})
    least = (known[-1] - known[0]) / 1000 if known else 0.0
    apart = [pair for pair in itertools.pairwise(known) if pair[1] - pair[0] > least]
    digits = 3
    while digits < most and any(format_number(a, digits) == format_number(b, digits) for a, b in apart):
        digits += 1
    return [format_number(value, digits) for value in values]


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
