"""What a person should look at before a model is trained."""

from collections.abc import Iterator, Mapping

from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.kinds import LARGEST_COUNT, UNORDERED, Found
from vestige.data.tables.profile import Profile
from vestige.data.tables.schema import Column, Schema
from vestige.data.tables.stretches import DocumentCounts
from vestige.data.tables.text_numbers import number
from vestige.errors import listed, shown

MUCH = 0.5
"""The share of missing values from which on a column is named."""


def suspicions(
    table: AbstractTable,
    schema: Schema,
    kinds: Mapping[str, Found],
    profiles: Mapping[str, Profile],
    documents: Mapping[str, DocumentCounts],
    said: frozenset[str],
) -> tuple[str, ...]:
    """What is suspicious in a table.

    **Arguments:**

    - `table`: for the places of rows.
    - `schema`: what its columns are taken to mean.
    - `kinds`: what was found of each kind that the user has not said.
    - `profiles`, `documents`: what the pass over the table has counted.
    - `said`: columns whose role the user has said.

    **Returns:** sentences without a full stop that name the column, and the row where there is one.
    """
    found = [text for column in schema.columns for text in _of_column(column, schema, kinds, said)]
    found += [*_of_names(table), *_same(profiles), *_of_steps(table, schema), *_of_documents(table, schema, documents)]
    return tuple(found)


def _of_column(column: Column, schema: Schema, kinds: Mapping[str, Found], said: frozenset[str]) -> Iterator[str]:
    if column.derived:
        return
    if column.name in kinds:
        yield from kinds[column.name].suspicions
    if UNORDERED in column.reason:
        yield f"column '{column.name}' holds dates {UNORDERED}; sort the rows if it is, or --time {column.name}"
    share = column.missing / schema.rows
    if column.role != "ignored" and MUCH < share < 1:
        yield f"column '{column.name}' is missing in {share:.0%} of the rows"
    if column.missing == schema.rows:
        yield f"column '{column.name}' has no value at all"
    elif column.constant and column.name not in said:
        yield f"column '{column.name}' never changes, so it is ignored"
    if column.role != "ignored" and column.kind == "count" and (column.high or 0) >= LARGEST_COUNT:
        yield (
            f"column '{column.name}' holds counts up to {column.high:,.0f}, which float32 cannot hold: "
            f"--kind {column.name}=number"
        )


def _of_names(table: AbstractTable) -> Iterator[str]:
    named = [field.name for field in table.fields if field.stored == "text" and number(field.name) is not None]
    if named:
        yield f"names of columns are numbers: {shown(listed(named), 60)}; is the first line a row? --header no"


def _same(profiles: Mapping[str, Profile]) -> Iterator[str]:
    first: dict[tuple[int, int, bool], str] = {}
    for name, profile in profiles.items():
        key = profile.digest, profile.missing, profile.is_text
        if profile.low == profile.high or not profile.present:
            continue
        if key in first:
            yield f"column '{name}' holds the same values as column '{first[key]}'"
        first.setdefault(key, name)


def _of_steps(table: AbstractTable, schema: Schema) -> Iterator[str]:
    steps, time = schema.steps, schema.time
    if steps is None or time is None:
        return
    if steps.first_backward is not None:
        if not steps.typical:
            yield f"column '{time.name}': times run backward from row to row; reverse the rows, newest last"
            return
        yield (
            f"column '{time.name}', {table.place(steps.first_backward)}: the time is not later than the one before "
            f"({steps.backward:,} such rows); sort the rows, or name the column of documents (--document)"
        )
    if steps.first_gap is not None:
        yield (
            f"column '{time.name}' has {steps.gaps:,} gap{'s' * (steps.gaps != 1)}, steps of over 1.5 times the "
            f"typical {steps.typical:g}: the first before {table.place(steps.first_gap)}, the longest {steps.longest:g}"
        )


def _of_documents(table: AbstractTable, schema: Schema, documents: Mapping[str, DocumentCounts]) -> Iterator[str]:
    for name, counts in documents.items():
        chosen = schema.document is not None and name == schema.document.name
        if counts.returns is not None and (chosen or counts.runs <= schema.rows / 2):
            row, text = counts.returns
            yield (
                f"column '{name}', {table.place(row)}: '{shown(text, 30)}' returns after others; sort the rows by it "
                "if it distinguishes documents"
            )
        elif chosen and counts.runs > 2 and counts.longest > schema.rows / 2:
            yield (
                f"document '{shown(counts.longest_name, 30)}' has {counts.longest:,} of {schema.rows:,} rows, more "
                "than all others together"
            )
