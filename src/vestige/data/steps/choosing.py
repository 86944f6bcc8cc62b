"""Which columns of a table are seen and which is predicted, where the user does not say."""

import dataclasses
from typing import NamedTuple

from vestige.data.steps.prose import TextTable
from vestige.data.tables import AbstractTable, Column, Schema, SchemaOptions, infer
from vestige.data.tables.kinds import OUTCOME_NAMES, base_name
from vestige.data.tables.schema import MODELLED
from vestige.errors import UsageError, listed

CODES = 256
"""The most different whole numbers of a column that are taken for codes."""
DENSE = 0.8
"""The share of the whole numbers from the least to the largest that then occur, at least."""
EACH = 50
"""So many rows are there for each of them, at least."""
MOST_CLASSES = 2**16
KINDS = ("class", "bit", "number", "count")


class StepSchema(NamedTuple):
    """The schema of a table as a stream reads it."""

    schema: Schema
    notes: tuple[str, ...]
    """What was assumed; sentences."""


def step_schema(table: AbstractTable, options: SchemaOptions = SchemaOptions()) -> StepSchema:
    """The columns of a table as a stream sees them.

    Whole numbers of which nearly all from the least to the largest occur, at most 256 of them and 50 rows for each, are
    codes: classes. Other counts are numbers, and scaled. One pass over the table, two where there are codes.

    **Arguments:**

    - `table`: that is read.
    - `options`: what the user says; it is never overruled.

    **Raises:** `UsageError` where no column, or more than one, is an outcome, where nothing is left to be seen, and as
    `infer`.
    """
    if options.inputs is not None and not options.outcomes:
        named = [name for name in table.names if base_name(name) in OUTCOME_NAMES and name not in options.roles()]
        options = dataclasses.replace(options, outcomes=tuple(named))
    schema = infer(table, options)
    _outcome(table, schema)
    seen = [column for column in schema.of("input", "known") if column.name not in options.kinds]
    codes = [column.name for column in seen if _is_code(column, schema.rows)]
    notes = tuple(
        f"Column '{name}' holds few different whole numbers and nearly all in their range: they are taken for codes "
        f"(--kind '{name}=number' says otherwise)."
        for name in codes
    )
    if codes:
        schema = infer(table, dataclasses.replace(options, kinds={**options.kinds, **dict.fromkeys(codes, "class")}))
    if isinstance(table, TextTable):
        schema = _same_vocabulary(schema)
    columns = [
        dataclasses.replace(column, kind="number") if column.kind == "count" and column.role in MODELLED else column
        for column in schema.columns
    ]
    found = dataclasses.replace(schema, columns=tuple(columns))
    outcome, seen = _outcome(table, found), found.of("input", "known")
    if not seen:
        raise UsageError(
            f"{table.name}: nothing is seen beside the outcome '{outcome.name}': every other column is constant, a "
            f"text, a time, or ignored; vestige data describe {table.name} says why"
        )
    if wrong := [column.name for column in seen if column.kind not in KINDS]:
        raise UsageError(
            f"{table.name}: texts and times are no inputs of a stream: {listed(wrong)}; leave them out (--ignore), or "
            "make them classes (--kind COL=class)"
        )
    if len(outcome.vocabulary) > MOST_CLASSES:
        raise UsageError(
            f"{table.name}: column '{outcome.name}' has {len(outcome.vocabulary):,} classes, and at most "
            f"{MOST_CLASSES:,} are predicted"
        )
    return StepSchema(found, notes)


def _same_vocabulary(schema: Schema) -> Schema:
    """Of a text, whose first character need not be the next of another."""
    words = tuple(sorted({word for column in schema.columns for word in column.vocabulary}))
    return dataclasses.replace(
        schema, columns=tuple(dataclasses.replace(column, vocabulary=words) for column in schema.columns)
    )


def _outcome(table: AbstractTable, schema: Schema) -> Column:
    found = schema.of("outcome")
    if still := [c for c in schema.columns if not found and c.constant and base_name(c.name) in OUTCOME_NAMES]:
        found = (still[0],)
    if len(found) != 1:
        none = "no column is named outcome, label, target or y"
        several = f"{listed(c.name for c in found)} could be" if found else none
        raise UsageError(
            f"{table.name}: a stream predicts one column, and {several}; name it (--task.outcomes COL, or with vestige "
            "fit --outcomes COL)"
        )
    outcome = found[0]
    if outcome.kind not in KINDS:
        raise UsageError(
            f"{table.name}: column '{outcome.name}' is of kind {outcome.kind}, and classes, bits and numbers are "
            f"predicted; name another (--outcomes), or --kind '{outcome.name}=class'"
        )
    if outcome.constant or (outcome.kind == "class" and len(outcome.vocabulary) < 2):
        raise UsageError(
            f"{table.name}: column '{outcome.name}' has one value wherever it is known; there is nothing to predict"
        )
    return outcome


def _is_code(column: Column, rows: int) -> bool:
    low, high, distinct = column.low, column.high, column.distinct
    if column.derived or low is None or high is None or distinct is None or not 3 <= distinct <= CODES:
        return False
    whole = column.kind == "count" or (column.kind == "number" and "int" in column.stored)
    return whole and distinct >= DENSE * (high - low + 1) and rows >= EACH * distinct
