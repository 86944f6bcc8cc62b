"""How the rows of a table are numbers for a model of rows, and back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vestige.data.tables import AbstractTable, Encoded, Encoder
from vestige.data.tables.schema import Column, Kind
from vestige.errors import UsageError, shown


class Block(NamedTuple):
    """Values of one kind side by side: columns of numbers, of grey levels, of counts, of bits, or one column of
    classes."""

    kind: str
    """`number`, `grey`, `count`, `bit` or `class`."""
    places: tuple[int, ...]
    """Of the columns among those that are modelled."""
    size: int
    """How many values a row has of them; of K classes K - 1, the first is all zeros."""


@dataclass(frozen=True, eq=False)
class RowLayout:
    """Which columns a row has and in which order, how they are scaled, and which of them is the class.

    - `encoder`: schema and scales. A grey level is scaled by `grey` alone.
    - `label`: the name of the column with the class of a row; None: there is none.
    - `grey`: numbers and counts are grey levels from 0 to this; None: they are not.
    - `centre`: means of the values in training, as the model sees them; of a count also what `rates` says.
    - `rates`, `spreads`: of counts in training, and the standard deviations of their roots.
    """

    encoder: Encoder
    label: str | None = None
    grey: float | None = None
    centre: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    spreads: tuple[float, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of a row, without the label, in the order of the table."""
        return tuple(column for column in self.encoder.schema.modelled if column.name != self.label)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return () if self.label is None else self.encoder.schema.column(self.label).vocabulary

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The values of a row, in their order."""
        modelled = self.encoder.schema.modelled
        of: dict[str, list[int]] = {"number": [], "grey": [], "count": [], "bit": []}
        classes = []
        for place, column in enumerate(modelled):
            if column.name == self.label:
                continue
            if column.kind == "class":
                classes.append(Block("class", (place,), len(column.vocabulary) - 1))
            else:
                of[block_kind(column.kind, self.grey)].append(place)
        return (*(Block(kind, tuple(places), len(places)) for kind, places in of.items() if places), *classes)

    @property
    def size(self) -> int:
        """How many values a row has."""
        return sum(block.size for block in self.blocks)

    def values(self, encoded: Encoded, table: AbstractTable) -> np.ndarray:
        """Rows as the model sees them.

        **Arguments:**

        - `encoded`: by this encoder.
        - `table`: from which it is, for messages.

        **Returns:** (rows, `size`) float32, NaN where missing; all of the values of a class then.

        **Raises:** `UsageError` for a grey level outside its range, with column and row.
        """
        found = np.full((len(encoded.values), self.size), np.nan, np.float32)
        first = 0
        for kind, places, size in self.blocks:
            values, mask = encoded.values[:, places], encoded.mask[:, places]
            if kind == "grey" and (wrong := mask & ((values < 0) | (values > 1))).any():
                row, at = (int(x) for x in np.argwhere(wrong)[0])
                name = self.encoder.schema.modelled[places[at]].name
                level = values[row, at] * (self.grey or 1)
                raise UsageError(
                    f"{table.name}: column '{name}', {table.place(encoded.start + row)}: a grey level must be in "
                    f"0..{self.grey:g}, got {level:g}"
                )
            if kind == "class":
                values = values == 1 + np.arange(size)
            found[:, first : first + size] = np.where(mask, values, np.nan)
            first += size
        return found

    def labels(self, encoded: Encoded) -> np.ndarray:
        """The classes of rows that were `encoded`.

        **Returns:** (rows,) int32, -1 where there is none.
        """
        if self.label is None:
            return np.full(len(encoded.values), -1, np.int32)
        place = [column.name for column in self.encoder.schema.modelled].index(self.label)
        return np.where(encoded.mask[:, place], encoded.values[:, place], -1).astype(np.int32)

    def decoded(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Rows as columns of the user.

        **Arguments:**

        - `values`: (rows, `size`), as the model sees them; means are values like others, of classes that with the
          largest is chosen.

        **Returns:** name -> (rows,) array in the units of the table, float64; of classes their names.
        """
        modelled = self.encoder.schema.modelled
        whole = np.zeros((len(values), len(modelled)))
        first = 0
        for kind, places, size in self.blocks:
            part = np.asarray(values[:, first : first + size], np.float64)
            if kind == "class":
                rest = 1 - part.sum(axis=1, keepdims=True)
                part = np.argmax(np.concatenate([rest, part], axis=1), axis=1)[:, None]
            whole[:, places] = part
            first += size
        found = self.encoder.decode(whole)
        return {column.name: found[column.name] for column in self.columns}

    def log_units(self, values: np.ndarray) -> np.ndarray:
        """What is to be added to the log-density of rows as the model sees them for that in the units of the table.

        **Arguments:** `values`: (rows, `size`), NaN where missing.

        **Returns:** (rows,), minus the sum of the logarithms of the scales of the numbers that are there.
        """
        logs = np.zeros(self.size)
        first = 0
        for kind, places, size in self.blocks:
            if kind in ("number", "grey"):
                names = [self.encoder.schema.modelled[place].name for place in places]
                logs[first : first + size] = [math.log(self.encoder.scales.scale[name]) for name in names]
            first += size
        return -(np.where(np.isnan(values), 0.0, 1.0) @ logs)

    def as_plain(self) -> dict[str, Any]:
        """As plain values of JSON, from which `from_plain` makes the same again."""
        return {
            "encoder": self.encoder.as_plain(),
            "label": self.label,
            "grey": self.grey,
            "centre": list(self.centre),
            "rates": list(self.rates),
            "spreads": list(self.spreads),
        }

    @classmethod
    def from_plain(cls, plain: Any) -> "RowLayout":
        """What `as_plain` gave.

        **Arguments:** `plain`: such as JSON that was read back.

        **Raises:** `UsageError` where it is something else.
        """
        try:
            numbers = (_numbers(plain[name]) for name in ("centre", "rates", "spreads"))
            grey = plain["grey"]
            found = cls(Encoder.from_plain(plain["encoder"]), plain["label"], grey and float(grey), *numbers)
            if found.label is not None:
                found.encoder.schema.column(found.label)
            if len(found.centre) != found.size:
                raise ValueError(f"{len(found.centre)} means of {found.size} values")
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"the stored layout of rows is damaged: {shown(repr(error), 100)}") from None
        return found


def block_kind(kind: Kind, grey: float | None) -> str:
    """What the values of a column that is no class are to a model.

    **Arguments:**

    - `kind`: of the column.
    - `grey`: as in `RowLayout`.
    """
    if kind in ("number", "count", "time") and grey is not None:
        return "grey"
    return "number" if kind == "time" else kind


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
