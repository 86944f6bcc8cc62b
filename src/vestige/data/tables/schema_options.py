"""What a user says about columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from vestige.data.tables.dates import Order
from vestige.data.tables.schema import KINDS, Kind, Role
from vestige.errors import UsageError, nearest, shown


@dataclass(frozen=True)
class SchemaOptions:
    """Roles and kinds that are said; the others are suggested.

    **Arguments:**

    - `time`, `document`: the column of times, and the one whose value changes where a document begins.
    - `outcomes`, `known`, `ignored`: columns that are predicted, that are known in advance, that have no use.
    - `inputs`: the columns that are inputs; without it all that have no other role.
    - `kinds`: name -> kind.
    - `units`: name -> unit.
    - `dates`: `day-first` or `month-first`, which part comes first in dates such as 01/07/2016.
    """

    time: str | None = None
    document: str | None = None
    outcomes: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    dates: str | None = None

    @property
    def order(self) -> Order | None:
        """`dates`, once `check` has seen it."""
        return cast("Order | None", self.dates)

    def kind(self, name: str, otherwise: Kind) -> Kind:
        """The kind of a column, once `check` has seen it.

        **Arguments:**

        - `name`: of the column.
        - `otherwise`: its kind where none is said.
        """
        return cast(Kind, self.kinds.get(name, otherwise))

    def roles(self) -> dict[str, Role]:
        """Name -> role, of the columns that have one. **Raises:** `UsageError` where one has two."""
        found: dict[str, Role] = {}
        for role, names in (
            ("time", filter(None, [self.time])),
            ("document", filter(None, [self.document])),
            ("outcome", self.outcomes),
            ("known", self.known),
            ("ignored", self.ignored),
            ("input", self.inputs or ()),
        ):
            for name in names:
                if name in found:
                    raise UsageError(f"column '{shown(name)}' has one role, got {found[name]} and {role}")
                found[name] = role  # pyright: ignore[reportArgumentType]
        return found

    def check(self, owner: str, names: Iterable[str]) -> None:
        """Check that what is said can be so.

        **Arguments:**

        - `owner`: the table, for messages.
        - `names`: of its columns.

        **Raises:** `UsageError` for an unknown column or kind, and a column with two roles.
        """
        names = list(names)
        for name in [*self.roles(), *self.kinds, *self.units]:
            if name not in names:
                raise UsageError(f"{owner}: there is no column '{shown(name)}'. {nearest(name, names)}")
        for name, kind in self.kinds.items():
            if kind not in KINDS:
                raise UsageError(
                    f"{owner}: column '{name}': kind must be one of {', '.join(KINDS)}, got '{shown(kind)}'"
                )
        if self.dates not in (None, "day-first", "month-first"):
            raise UsageError(f"{owner}: dates must be day-first or month-first, got '{shown(self.dates)}'")
