"""How a file of the user is read, and what its columns mean: the options that commands on data share."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from vestige.data.tables import AbstractTable, SchemaOptions
from vestige.data.tables.options import ReadOptions, words
from vestige.errors import UsageError, shown


@dataclasses.dataclass(frozen=True)
class ColumnSettings(ReadOptions):
    """What the columns mean, and how the file is read. Names of columns have commas between them."""

    time: str | None = None
    """The column of times."""
    document: str | None = None
    """The column whose value changes where a document (session, subject, recording) begins."""
    inputs: str | None = None
    """Columns that are inputs, A,B; without it all that have no other role."""
    outcomes: str | None = None
    """Columns that are predicted."""
    known: str | None = None
    """Columns that are known in advance, such as a calendar or a plan."""
    ignore: str | None = None
    """Columns without a use."""
    kind: str | None = None
    """Kinds of columns, COL=number|count|bit|class|time|text, with commas between them."""
    unit: str | None = None
    """Units of columns, COL=UNIT, with commas between them."""
    dates: Literal["day-first", "month-first"] | None = None
    """What comes first in dates such as 01/07/2016."""

    def read_options(self) -> ReadOptions:
        """How the file is read."""
        return ReadOptions(**{field.name: getattr(self, field.name) for field in dataclasses.fields(ReadOptions)})

    def schema_options(self, table: AbstractTable) -> SchemaOptions:
        """What is said about the columns of a `table`. **Raises:** `UsageError` for a pair without an equals sign."""
        return SchemaOptions(
            time=self.time,
            document=self.document,
            inputs=None if self.inputs is None else named(table.names, self.inputs),
            outcomes=named(table.names, self.outcomes),
            known=named(table.names, self.known),
            ignored=named(table.names, self.ignore),
            kinds=pairs("kind", self.kind),
            units=pairs("unit", self.unit),
            dates=self.dates,
        )


def named(names: Sequence[str], said: str | None) -> tuple[str, ...]:
    """The columns in a text with commas between them.

    **Arguments:**

    - `names`: of the columns that there are; one with a comma in its name can be given alone.
    - `said`: the text; None: none.
    """
    return (said,) if said in names and said is not None else words(said)


def pairs(option: str, said: str | None) -> dict[str, str]:
    """The pairs `COL=VALUE` in a text with commas between them.

    **Arguments:**

    - `option`: its name, for the message.
    - `said`: the text; None: none.

    **Raises:** `UsageError` for a part without an equals sign.
    """
    found = {}
    for part in words(said):
        name, equals, value = part.rpartition("=")
        if not equals or not name or not value:
            raise UsageError(f"--{option} must be COL=VALUE, with commas between several, got '{shown(part)}'")
        found[name.strip()] = value.strip()
    return found
