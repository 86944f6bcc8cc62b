"""What a schema says, in sentences."""

import numpy as np

from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.dates import written
from vestige.data.tables.schema import Column, Schema, Steps
from vestige.errors import listed, shown

_SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))
_PLURALS = {"class": "classes", "bit": "bits", "count": "counts", "number": "numbers", "time": "times", "text": "texts"}


def summary(table: AbstractTable, schema: Schema) -> str:
    """What a table is, in one or two sentences.

    **Arguments:**

    - `table`: that was looked at.
    - `schema`: that was inferred from it.
    """
    looked = f"{'' if schema.complete else 'the first '}{schema.rows:,} row{'s' if schema.rows > 1 else ''}"
    of = f"{looked} of {len(table.fields):,} column{'s' if len(table.fields) > 1 else ''}"
    inputs, outcomes, known = (schema.of(role) for role in ("input", "outcome", "known"))
    many = sum(not column.derived for column in inputs) > 1
    parts = [f"{_counted(inputs)} as input{'s' if many else ''}" if inputs else "no input"]
    if known:
        parts.append(f"{_counted(known)} known in advance")
    if outcomes:
        parts.append(f"{_counted(outcomes)} to be predicted ({shown(listed(c.name for c in outcomes), 100)})")
    what = "A table"
    if schema.time is not None or schema.documents:
        what = f"{schema.documents:,} recordings" if schema.documents else "A recording"
    sentence = f"{what}: {of}; {', '.join(parts)}."
    if schema.time is not None:
        sentence += f" {_over_time(schema.time, schema.steps)}"
    return sentence


def values_in(column: Column) -> str:
    """The range or the classes of a `column`, for people."""
    if column.kind == "class":
        said = ", ".join(shown(word, 20) for word in column.vocabulary[:4])
        return f"{len(column.vocabulary):,}: {said}{', …' if len(column.vocabulary) > 4 else ''}"
    if column.low is None or column.high is None:
        return f"{column.distinct:,} different" if column.distinct else ""
    if column.kind == "time" and column.time_format != "number":
        low, high = written(np.array([column.low, column.high]) * _factor(column))
        return f"{_short(low)} to {_short(high)}"
    return f"{column.low:.5g}" if column.constant else f"{column.low:.5g} to {column.high:.5g}"


def span(seconds: float) -> str:
    """A time in `seconds` in the unit that suits it."""
    for size, unit in _SPANS:
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:.4g} s"


def _over_time(time: Column, steps: Steps | None) -> str:
    dated = time.time_format != "number"
    unit = lambda value: span(value) if dated else f"{value:.4g}{f' {time.unit}' if time.unit else ''}"
    said = f"Column '{time.name}' is the time, {values_in(time)}"
    if steps is None or not steps.typical:
        return said + "."
    if not steps.irregular:
        return f"{said}, a row every {unit(steps.typical)}."
    gap = "; the gap before each row is an input" if not steps.backward else ""
    return f"{said}, in irregular steps, {unit(steps.typical)} in the middle, at most {unit(steps.longest)}{gap}."


def _counted(columns: tuple[Column, ...]) -> str:
    kinds: dict[str, int] = {}
    for column in columns:
        if not column.derived:
            kinds[column.kind] = kinds.get(column.kind, 0) + 1
    said = [f"{count:,} {kind if count == 1 else _PLURALS[kind]}" for kind, count in kinds.items()]
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]])) or "nothing"


def _factor(column: Column) -> float:
    return {"milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}.get(column.time_format or "", 1.0)


def _short(date: str) -> str:
    return date.removesuffix("T00:00:00").replace("T", " ")
