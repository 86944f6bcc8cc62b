"""What is different in another file."""

from vestige.data.tables.schema import Schema
from vestige.errors import listed

FAR = 1.0
"""Values outside the range of the training by more than this share of it are named."""


def differences(schema: Schema, other: Schema) -> tuple[str, ...]:
    """What a person should know before a model meets another file. The order of columns does not matter.

    **Arguments:**

    - `schema`: of the training data.
    - `other`: that was inferred from the other file.

    **Returns:** a sentence for each column that is absent, further, of another kind or unit, has unknown classes, is
    missing where it never was, or lies far outside the range of the training.
    """
    here = {column.name: column for column in other.columns}
    used = [column for column in schema.columns if column.role != "ignored" and not column.derived]
    found = []
    if absent := [column.name for column in used if column.name not in here]:
        found.append(f"Columns are absent: {listed(absent)}.")
    known = {column.name for column in schema.columns}
    if further := [column.name for column in other.columns if column.name not in known and not column.derived]:
        found.append(f"Columns are new, and are not read: {listed(further)}.")
    for column in used:
        if (now := here.get(column.name)) is None:
            continue
        name = f"Column '{column.name}'"
        if column.kind == "class":
            new = sorted(set(now.vocabulary) - set(column.vocabulary)) if now.kind == "class" else []
            if new:
                found.append(f"{name} has classes that the training had not: {listed(new)}.")
        elif now.kind != column.kind and {now.kind, column.kind} - {"number", "count", "bit"}:
            found.append(f"{name} was of kind {column.kind}, and is of kind {now.kind}.")
        elif column.low is not None and column.high is not None and now.low is not None and now.high is not None:
            room = FAR * (column.high - column.low)
            if column.kind != "time" and (now.low < column.low - room or now.high > column.high + room):
                found.append(f"{name} was in {column.low:g}..{column.high:g}, and is in {now.low:g}..{now.high:g}.")
        if now.unit and column.unit and now.unit != column.unit:
            found.append(f"{name} was in {column.unit}, and is in {now.unit}.")
        if now.missing and not column.missing:
            found.append(f"{name} is missing in {now.missing:,} of {other.rows:,} rows, and never was.")
    return tuple(found)
