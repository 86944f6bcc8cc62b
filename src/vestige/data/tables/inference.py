"""A schema from one pass over a table."""

import dataclasses
import re

import numpy as np

from vestige.data.tables.contract import AbstractTable, Batch
from vestige.data.tables.kinds import (
    CALENDAR_NAMES,
    TIME_NAMES,
    UNORDERED,
    Found,
    base_name,
    kind_of,
    names_outcome,
    time_format,
)
from vestige.data.tables.profile import MOST_DISTINCT, MOST_WORDS, Profile
from vestige.data.tables.schema import Column, Role, Schema
from vestige.data.tables.schema_options import SchemaOptions
from vestige.data.tables.stretches import DocumentCounts, StepCounts
from vestige.data.tables.suspicions import suspicions
from vestige.errors import UsageError

DOCUMENT_NAMES = (
    "document", "doc", "subject", "session", "patient", "episode", "trial", "sequence", "series", "recording",
    "document_id", "doc_id", "subject_id", "session_id", "patient_id", "episode_id", "trial_id", "sequence_id",
    "series_id", "recording_id", "user_id", "unit_id", "id",
)  # fmt: skip
GAP = "gap"
MANY = 10_000
COUNTED = 2**21
"""How many different numbers are counted in all columns together; of texts four times as many."""
_INDEX_NAMES = ("", "index", "row", "id", "unnamed: 0", "column_1", "obs", "observation", "rownames", "row_number")
MOST_TRIED = 3
"""Columns of classes that are tried as those of documents, where times run backward."""


def infer(table: AbstractTable, options: SchemaOptions = SchemaOptions(), *, rows: int | None = None) -> Schema:
    """Suggest what the columns of a table mean.

    One pass over the rows, two where dates turn out to be month first; memory in proportion to a batch, and to the
    different values of each column up to 65,536.

    **Arguments:**

    - `table`: that is read.
    - `options`: what the user says; it is never overruled.
    - `rows`: how many rows to look at; None: all.

    **Returns:** the schema, with a reason for each column and what is suspicious.

    **Raises:** `UsageError` for options that do not fit the table, for no rows, and where the table cannot be read.
    """
    options.check(table.name, table.names)
    if rows is not None and rows < 1:
        raise UsageError(f"{table.name}: a schema needs at least 1 row, got rows={rows}")
    survey = _Survey(table, options)
    for batch in table.batches():
        left = batch.rows if rows is None else rows - batch.start
        if left < 1:
            survey.complete = False
            break
        survey.update(batch if left >= batch.rows else batch.first(left))
        survey.complete = left >= batch.rows
    if not survey.rows:
        raise UsageError(f"{table.name}: it holds no row below its header; a table needs at least one")
    schema = survey.schema()
    if options.dates is None and any(column.time_format == "month-first" for column in schema.columns):
        return infer(table, dataclasses.replace(options, dates="month-first"), rows=rows)
    return schema if options.document is not None else _in_documents(table, options, schema, rows)


def _in_documents(table: AbstractTable, options: SchemaOptions, schema: Schema, rows: int | None) -> Schema:
    """The same, with the classes after each of which times begin anew as documents, where there are such."""
    forward = schema.time is not None and (schema.steps is None or not schema.steps.backward)
    timed = any(column.kind == "time" or base_name(column.name) in TIME_NAMES for column in schema.columns)
    if schema.document is not None or forward or not timed:
        return schema
    said = options.roles()
    classes = [column for column in schema.columns if column.kind == "class" and column.name not in said]
    for column in [column for column in classes if len(column.vocabulary) <= schema.rows / 2][:MOST_TRIED]:
        found = infer(table, dataclasses.replace(options, document=column.name), rows=rows)
        steps = found.steps
        if found.documents == len(column.vocabulary) and steps is not None and not steps.backward:
            reason = f"{column.reason}; times begin anew after each"
            columns = tuple(
                dataclasses.replace(c, reason=reason) if c.name == column.name else c for c in found.columns
            )
            return dataclasses.replace(found, columns=columns)
    return schema


class _Survey:
    """One pass."""

    def __init__(self, table: AbstractTable, options: SchemaOptions):
        self.table, self.options, self.said = table, options, options.roles()
        self.rows, self.complete = 0, True
        limits = min(MOST_DISTINCT, COUNTED // len(table.fields)), min(MOST_WORDS, 4 * COUNTED // len(table.fields))
        self.profiles = {field.name: Profile(field, table.decimal, options.order, *limits) for field in table.fields}
        named = [name for name in table.names if base_name(name) in DOCUMENT_NAMES and name not in self.said]
        self.documents = {name: DocumentCounts() for name in ([options.document] if options.document else named[:3])}
        self.apart: dict[str, StepCounts] = {}
        """Steps inside the documents of the first candidate."""
        self.through: dict[str, StepCounts] = {}
        """Steps as if all rows were one document."""
        self.mixed: set[str] = set()
        """Columns of times that neither rise nor fall."""

    def update(self, batch: Batch) -> None:
        self.rows = batch.start + batch.rows
        whole, begins = np.zeros(batch.rows, bool), None
        for name, counts in list(self.documents.items()):
            found = counts.update(batch.start, batch.cells[name])
            if name not in self.said and counts.runs > max(MANY, counts.rows / 2):
                del self.documents[name]  # a document a row is none, and their names would fill the memory
            begins = found if begins is None else begins
        for name, profile in self.profiles.items():
            values = profile.update(batch.start, batch.cells[name])
            if values is None or not self._may_be_time(name, profile):
                continue
            if profile.compact and profile.dated <= profile.numeric:
                values = profile.compact_dates(batch.cells[name])
            self.through.setdefault(name, StepCounts()).update(batch.start, values, whole)
            if begins is not None:
                self.apart.setdefault(name, StepCounts()).update(batch.start, values, begins)

    def _may_be_time(self, name: str, profile: Profile) -> bool:
        if self.options.time is not None:
            return name == self.options.time
        return base_name(name) in TIME_NAMES or profile.dated > profile.numeric or profile.is_date

    def schema(self) -> Schema:
        document = self._document()
        steps = self.apart if document else self.through
        forward = {name for name, counts in steps.items() if counts.counts and not counts.backward}
        order = self.options.order
        found = {
            name: kind_of(profile, self.table, order, forward=name in forward)
            for name, profile in self.profiles.items()
        }
        found = _alike(found, self.profiles)
        self.mixed = {name for name, counts in steps.items() if not counts.in_order}
        time = self._time(found, document)
        columns = tuple(self._column(name, found[name], time, document) for name in self.table.names)
        taken = None
        if time is not None:
            counted = steps.get(time)
            taken = counted.steps() if counted else None
        if taken is not None and taken.irregular and not taken.backward:
            columns = (*columns, self._gap(next(column for column in columns if column.name == time), taken.typical))
        counted = self.documents[document] if document else None
        schema = Schema(
            columns,
            self.rows,
            self.complete,
            taken,
            counted.runs if counted else None,
            counted.longest if counted else None,
        )
        kinds = {name: kind for name, kind in found.items() if name not in self.options.kinds}
        said = suspicions(self.table, schema, kinds, self.profiles, self.documents, frozenset(self.said))
        return dataclasses.replace(schema, suspicions=said)

    def _document(self) -> str | None:
        for counts in self.documents.values():
            counts.finish()
        if self.options.document is not None:
            return self.options.document
        for name, counts in self.documents.items():
            if counts.returns is None and not counts.too_many and 1 < counts.runs <= self.rows / 2:
                return name
        return None

    def _time(self, found: dict[str, Found], document: str | None) -> str | None:
        if self.options.time is not None:
            return self.options.time
        times = [
            name
            for name, kind in found.items()
            if self.options.kind(name, kind.kind) == "time"
            and name not in self.said
            and name not in self.mixed
            and name != document
        ]
        dated = [name for name in times if self.profiles[name].dated or self.profiles[name].is_date]
        return next(iter([*dated, *times]), None)

    def _column(self, name: str, found: Found, time: str | None, document: str | None) -> Column:
        profile, table = self.profiles[name], self.table
        kind = self.options.kind(name, found.kind)
        reason = "as you said" if name in self.options.kinds else found.reason
        if name == time and kind != "time":
            kind, reason = "time", "the times, as you said"
        form = None
        if kind == "time":
            form = found.time_format if found.kind == "time" else time_format(profile, self.options.order)
        dated = profile.dated > profile.numeric or (form == "compact" and np.isfinite(profile.date_low))
        low, high = (profile.date_low, profile.date_high) if dated else (profile.low, profile.high)
        bounded = np.isfinite(low) and kind not in ("class", "text")
        distinct = self._distinct(profile)
        column = Column(
            name=name,
            stored=table.field(name).stored,
            kind=kind,
            role="input",
            unit=self.options.units.get(name) or table.field(name).unit or unit_of(name),
            vocabulary=self._vocabulary(name, profile) if kind == "class" else (),
            time_format=form,
            missing=profile.missing,
            low=float(low) if bounded else None,
            high=float(high) if bounded else None,
            distinct=distinct,
            reason=reason,
        )
        role, why = self._role(column, time, document)
        return dataclasses.replace(column, role=role, reason=f"{reason}; {why}" if why else reason)

    def _distinct(self, profile: Profile) -> int | None:
        counted = profile.words if profile.is_text and profile.words is not None else profile.values
        if profile.is_text and profile.numeric == profile.present and profile.values is not None:
            counted = profile.values
        none = counted is None or profile.is_date or (profile.present and not counted)
        return None if none else len(counted or ())

    def _vocabulary(self, name: str, profile: Profile) -> tuple[str, ...]:
        if (categories := self.table.field(name).categories) is not None:
            return categories
        if profile.is_text:
            if profile.words is None:
                raise UsageError(
                    f"{self.table.name}: column '{name}' has more than {profile.most_words:,} classes; ignore it"
                )
            return tuple(sorted(profile.words, key=_in_order))
        if profile.values is None:
            raise UsageError(
                f"{self.table.name}: column '{name}' has more than {profile.most_values:,} different numbers, "
                "too many for classes"
            )
        return tuple(label(value) for value in sorted(profile.values))

    def _role(self, column: Column, time: str | None, document: str | None) -> tuple[Role, str]:
        name = column.name
        if name in self.said:
            return self.said[name], ""
        if name == document:
            return "document", "its value changes where a document begins"
        if name == time:
            return "time", ""
        profile = self.profiles[name]
        if not profile.present:
            return "ignored", ""
        if column.kind == "time" and name in self.mixed:
            return "ignored", UNORDERED
        if column.kind == "time":
            return "ignored", "another column is the time"
        if column.kind == "text":
            return "ignored", "texts are not modelled"
        if column.constant:
            return "ignored", "it never changes"
        if self.options.inputs is not None:
            return "ignored", "it is not among the inputs"
        if name.lower() in _INDEX_NAMES and profile.whole and profile.by_one and profile.numeric == self.rows > 1:
            return "ignored", "it numbers the rows"
        if names_outcome(name, self.table) and not self.options.outcomes:
            return "outcome", f"named {name}"
        if base_name(name) in CALENDAR_NAMES and profile.whole and not profile.is_date and column.kind != "class":
            return "known", "a part of the calendar"
        return "input", ""

    def _gap(self, time: Column, typical: float) -> Column:
        name = next(
            text for text in (GAP, "gap_before", *map("gap_{}".format, range(99))) if text not in self.table.names
        )
        profile = self.profiles[time.name]
        unit = "s" if time.time_format == "compact" or profile.dated > profile.numeric or profile.is_date else time.unit
        reason = f"the time since the step before, as steps are not of equal length; {typical:g} is typical"
        return Column(name, "float64", "number", "input", unit, reason=reason, derived="gap")


def _alike(found: dict[str, Found], profiles: dict[str, Profile]) -> dict[str, Found]:
    """The columns of one array of integers are counts together, or none is."""
    arrays: dict[str, list[str]] = {}
    for name, profile in profiles.items():
        stem, dot, _ = name.rpartition(".")
        if dot and not profile.is_text and "int" in profile.source.stored:
            arrays.setdefault(stem, []).append(name)
    for names in arrays.values():
        fit = [n for n in names if found[n].kind in ("count", "bit", "number") and profiles[n].low >= 0]
        if any(found[name].kind == "count" for name in names) and len(fit) == len(names):
            found |= {name: Found("count", "whole numbers, as all of its array") for name in names}
    return found


def label(value: object) -> str:
    """The name of the class that is stored as the number or text `value`."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def unit_of(name: str) -> str | None:
    """The unit in the `name` of a column, such as `speed (m/s)` or `level [dB]`."""
    match = re.fullmatch(r".*\S(?:\s+\(\s*([^()]{1,20}?)\s*\)|\s*\[\s*([^\[\]]{1,20}?)\s*\])", name)
    return match[1] or match[2] if match else None


def _in_order(word: str) -> tuple[bool, float, str]:
    """Numbers in the order of numbers, then texts."""
    try:
        return False, float(word), word
    except ValueError:
        return True, 0.0, word
