"""What the columns of a table mean, and how that is stored."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from vestige.errors import UsageError, nearest, shown

Kind = Literal["number", "count", "bit", "class", "time", "text"]
Role = Literal["input", "outcome", "known", "time", "document", "ignored"]

KINDS: tuple[Kind, ...] = get_args(Kind)
ROLES: tuple[Role, ...] = get_args(Role)
MODELLED: tuple[Role, ...] = ("input", "known", "outcome")
"""Roles whose values a model sees or predicts."""
TIME_FORMATS = (
    "number",
    "seconds",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "iso",
    "iso-zone",
    "year-first",
    "named",
    "compact",
    "day-first",
    "month-first",
)
"""How times are written: numbers of any unit, since 1970, or dates."""
VERSION = 1


@dataclass(frozen=True)
class Column:
    """One column, what it means, and what was found in it."""

    name: str
    stored: str
    """Its type in the source, such as `text` or `float64`."""
    kind: Kind
    role: Role
    unit: str | None = None
    vocabulary: tuple[str, ...] = ()
    """Of a class: the names in the order of their numbers."""
    time_format: str | None = None
    """Of a time: one of `TIME_FORMATS`; None where day or month may come first."""
    missing: int = 0
    """How many values are missing."""
    low: float | None = None
    high: float | None = None
    """The smallest and largest value; of a time in seconds since 1970, or as it is."""
    distinct: int | None = None
    """How many different values there are; None: more than are counted."""
    reason: str = ""
    """Why it has that kind and role; a clause."""
    derived: str | None = None
    """`gap`: the time since the step before, which is no column of the file."""

    @property
    def constant(self) -> bool:
        """Whether there is at most one value, by comparison and not by size."""
        return self.low == self.high if self.low is not None else self.distinct is not None and self.distinct <= 1


@dataclass(frozen=True)
class Steps:
    """The differences between successive times, inside documents."""

    typical: float
    """The median, in seconds or as the times are; 0 where all run backward."""
    irregular: bool
    """Whether any other differs from it by more than a hundredth; the gap is then an input."""
    gaps: int
    """How many are more than one and a half times the typical one."""
    longest: float
    backward: int
    """How many are not positive."""
    first_gap: int | None = None
    """The row after the first gap, counted from 0."""
    first_backward: int | None = None
    """The row of the first time that is not later than the one before."""


@dataclass(frozen=True)
class Schema:
    """What the columns of a table mean. Plain values only: `as_plain` goes into a run folder, `from_plain` reads it."""

    columns: tuple[Column, ...]
    rows: int
    """How many rows were looked at."""
    complete: bool = True
    """Whether these were all."""
    steps: Steps | None = None
    """Of the time column, where there is one with at least two times."""
    documents: int | None = None
    """How many documents the document column distinguishes."""
    longest_document: int | None = None
    """Rows of the longest."""
    suspicions: tuple[str, ...] = ()
    """What a person should look at; sentences that name column and row."""

    def __post_init__(self):
        for role in ("time", "document"):
            if len(found := self.of(role)) > 1:
                names = " and ".join(f"'{column.name}'" for column in found)
                raise UsageError(f"a table has at most one column of role {role}, got {names}")

    def of(self, *roles: Role) -> tuple[Column, ...]:
        """The columns of some `roles`, in the order of the table."""
        return tuple(column for column in self.columns if column.role in roles)

    @property
    def time(self) -> Column | None:
        """The column of times."""
        return next(iter(self.of("time")), None)

    @property
    def document(self) -> Column | None:
        """The column that distinguishes documents."""
        return next(iter(self.of("document")), None)

    @property
    def modelled(self) -> tuple[Column, ...]:
        """The columns that a model sees or predicts: those of [`values`][vestige.data.tables.Encoded], in order."""
        return self.of(*MODELLED)

    @property
    def needed(self) -> tuple[str, ...]:
        """The names of those columns of the file that have a use."""
        return tuple(column.name for column in self.columns if column.role != "ignored" and not column.derived)

    def column(self, name: str) -> Column:
        """The column of that `name`. **Raises:** `UsageError` where there is none, with the nearest name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UsageError(f"the schema has no column '{shown(name)}'. {nearest(name, [c.name for c in self.columns])}")

    def as_plain(self) -> dict[str, Any]:
        """As plain values of JSON, from which `from_plain` makes the same again."""
        plain = dataclasses.asdict(self)
        plain["columns"] = [
            {name: list(value) if isinstance(value, tuple) else value for name, value in column.items()}
            for column in plain["columns"]
        ]
        return {"version": VERSION, **plain, "suspicions": list(self.suspicions)}

    @classmethod
    def from_plain(cls, plain: Any) -> "Schema":
        """The schema of plain values.

        **Arguments:** `plain`: what `as_plain` gave, such as JSON that was read back.

        **Raises:** `UsageError` where it is something else, naming the entry.
        """
        if not isinstance(plain, Mapping) or plain.get("version") != VERSION:
            found = plain.get("version") if isinstance(plain, Mapping) else plain
            raise UsageError(f"the stored schema must have version {VERSION}, got {shown(found)}")
        try:
            columns = tuple(_column(entry) for entry in plain["columns"])
            steps = None if plain["steps"] is None else Steps(**plain["steps"])
            rest = {field.name: plain[field.name] for field in dataclasses.fields(cls)}
            suspicions = tuple(map(str, plain["suspicions"]))
            return cls(**(rest | {"columns": columns, "steps": steps, "suspicions": suspicions}))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"the stored schema is damaged: {shown(repr(error), 200)}") from None


def _column(entry: Mapping[str, Any]) -> Column:
    column = Column(**{**entry, "vocabulary": tuple(entry["vocabulary"])})
    if column.kind not in KINDS or column.role not in ROLES:
        raise ValueError(f"column '{column.name}' has kind {column.kind} and role {column.role}")
    if column.time_format is not None and column.time_format not in TIME_FORMATS:
        raise ValueError(f"column '{column.name}' has time format {column.time_format}")
    if not all(isinstance(word, str) for word in (*column.vocabulary, column.name)):
        raise ValueError(f"column '{column.name}' has a vocabulary of what are no texts")
    return column
