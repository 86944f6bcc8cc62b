"""Scales of numbers, fitted in float64 in one pass."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.raw import raw_rows
from vestige.data.tables.schema import Schema
from vestige.errors import UsageError, shown

Stretch = tuple[int, int]
"""The first row and the one after the last."""


@dataclass(frozen=True)
class Scales:
    """A number is `centre + scale · value`; both are float64, one for each modelled column by name.

    Counts, bits and classes are not scaled and have no entry. A number that never changed in training has scale 1.
    """

    centre: Mapping[str, float]
    scale: Mapping[str, float]
    rows: int
    """On how many rows they were fitted."""

    def as_plain(self) -> dict[str, Any]:
        """As plain values of JSON, from which `from_plain` makes the same again, to the last digit."""
        return {"centre": dict(self.centre), "scale": dict(self.scale), "rows": self.rows}

    @classmethod
    def from_plain(cls, plain: Any) -> "Scales":
        """The scales of plain values.

        **Arguments:** `plain`: what `as_plain` gave.

        **Raises:** `UsageError` where it is something else, or a scale is not positive.
        """
        try:
            centre, scale = ({str(k): float(v) for k, v in plain[name].items()} for name in ("centre", "scale"))
            if centre.keys() != scale.keys() or not all(0 < value < math.inf for value in scale.values()):
                raise ValueError("each centre needs a positive scale")
            return cls(centre, scale, int(plain["rows"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"the stored scales are damaged: {shown(repr(error), 200)}") from None


def fit_scales(table: AbstractTable, schema: Schema, stretches: Sequence[Stretch] | None = None) -> Scales:
    """Mean and standard deviation of the numbers of a table.

    One pass, in float64, with the mean of each batch merged into that of all before it (Chan, Golub and LeVeque 1983):
    a level of 1e7 costs no digits. A column counts as constant only where all its values are equal.

    **Arguments:**

    - `table`: that is read.
    - `schema`: which columns are numbers.
    - `stretches`: the rows to fit on, those of the training; None: all.

    **Returns:** the scales.

    **Raises:** `UsageError` for no rows, a number of which no value is there, values too far apart for float64, and as
    `raw_rows`.
    """
    columns = [place for place, column in enumerate(schema.modelled) if column.kind in ("number", "time")]
    names = [schema.modelled[place].name for place in columns]
    count, mean, squares = (np.zeros(len(columns)) for _ in range(3))
    origin = np.full(len(columns), np.nan)  # the first value; means are relative to it, or a level would cost digits
    low, high = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    used = 0
    # differences are divided by a power of two first, which changes no digit: squares of 1e-200 would vanish
    unit = np.array([_unit(schema.modelled[place].low, schema.modelled[place].high) for place in columns])
    for batch in raw_rows(table, schema):
        chosen = _inside(batch.start, len(batch.values), stretches)
        used += int(chosen.sum())
        values, mask = batch.values[chosen][:, columns], batch.mask[chosen][:, columns]
        here = mask.sum(axis=0).astype(np.float64)
        if not mask.any():
            continue
        low = np.minimum(low, np.where(mask, values, np.inf).min(axis=0))
        high = np.maximum(high, np.where(mask, values, -np.inf).max(axis=0))
        first = values[np.argmax(mask, axis=0), np.arange(len(columns))]
        origin = np.where(np.isnan(origin) & (here > 0), first, origin)
        shifted = np.where(mask, values / unit - origin / unit, 0.0)
        each = shifted.sum(axis=0) / np.maximum(here, 1)
        spread = (np.where(mask, shifted - each, 0.0) ** 2).sum(axis=0)
        total = count + here
        ahead = np.where(here > 0, each - mean, 0.0)
        share = here / np.maximum(total, 1)
        squares += spread + ahead**2 * count * share
        mean = mean + ahead * share
        count = total
    if not used:
        raise UsageError(f"{table.name}: no row is left to fit scales on; hold out a smaller share")
    for name, known in zip(names, count, strict=True):
        if not known:
            raise UsageError(
                f"{table.name}: column '{name}' has no value in the {used:,} rows of the training; ignore it"
            )
    scale = np.where(low == high, 1.0, np.sqrt(squares / np.maximum(count, 1)) * unit)
    centre = np.where(low == high, low, (origin / unit + mean) * unit)
    for name, value in zip(names, scale, strict=True):
        if not 0 < value < np.inf:
            raise UsageError(f"{table.name}: column '{name}' spans too much for float64; scale it before")
    entries = lambda values: dict(zip(names, values.tolist(), strict=True))
    return Scales(entries(centre), entries(scale), used)


def _unit(low: float | None, high: float | None) -> float:
    """A power of two of the size of the differences, so that their squares neither vanish nor overflow."""
    spread = 0.0 if low is None or high is None else high / 2 - low / 2
    return 2.0 ** min(max(math.frexp(spread)[1] + 1, -1000), 1000) if spread else 1.0


def _inside(start: int, rows: int, stretches: Sequence[Stretch] | None) -> np.ndarray:
    chosen = np.full(rows, stretches is None)
    near = np.asarray(stretches or np.zeros((0, 2)), np.int64)
    for first, stop in near[(near[:, 0] < start + rows) & (near[:, 1] > start)].tolist():
        chosen[max(first - start, 0) : max(stop - start, 0)] = True
    return chosen
