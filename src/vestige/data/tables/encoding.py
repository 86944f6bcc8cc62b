"""A table as numbers for a model, and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.raw import raw_rows, require_columns
from vestige.data.tables.scaling import Scales, Stretch, fit_scales
from vestige.data.tables.schema import Schema
from vestige.errors import UsageError, shown


class Encoded(NamedTuple):
    """Consecutive rows of a table as a model sees them."""

    start: int
    """The number of the first row."""
    values: np.ndarray
    """(rows, modelled) float32, a column for each of `Schema.modelled`: scaled numbers, counts and bits as they are,
    places in a vocabulary; 0 where missing."""
    mask: np.ndarray
    """(rows, modelled), booleans: where there is a value."""
    resets: np.ndarray
    """(rows,), booleans: where a document begins, the first row among them."""
    times: np.ndarray
    """(rows,) float64; seconds since 1970 of dates, NaN without a time column."""
    documents: np.ndarray
    """(rows,) objects: what the document column holds; None without one."""


@dataclass(frozen=True)
class Encoder:
    """What a table means, and the scales of its numbers: all that a run must keep of its data."""

    schema: Schema
    scales: Scales

    @classmethod
    def fit(cls, table: AbstractTable, schema: Schema, stretches: Sequence[Stretch] | None = None) -> "Encoder":
        """The encoder whose scales are fitted on rows of a table.

        **Arguments:**

        - `table`: that is read, once.
        - `schema`: what its columns mean.
        - `stretches`: the rows to fit on, those of the training; None: all.

        **Raises:** `UsageError`, as `fit_scales`, and where no column is modelled.
        """
        if not schema.modelled:
            raise UsageError(f"{table.name}: no column is an input or an outcome; there is nothing to model")
        require_columns(table, schema)
        return cls(schema, fit_scales(table, schema, stretches))

    def encode(self, table: AbstractTable, *, size: int | None = None) -> Iterator[Encoded]:
        """The rows of a table as numbers, a batch at a time.

        Numbers are scaled in float64 and rounded to float32 afterwards, so that a level of 1e7 costs no digits.

        **Arguments:**

        - `table`: of the training, or another with the same columns, in any order; outcomes may be absent.
        - `size`: rows of a batch; None: as the table suggests.

        **Raises:** `UsageError` for absent columns, and, naming column and row, for what is not of the kind, unknown
        classes, and numbers too far from those of the training for float32.
        """
        require_columns(table, self.schema, outcomes=False)
        centre, scale = self._arrays()
        largest = float(np.finfo(np.float32).max)
        for batch in raw_rows(table, self.schema, size=size):
            with np.errstate(over="ignore"):
                scaled = np.where(batch.mask, (batch.values - centre) / scale, 0.0)
            if (wrong := ~(np.abs(scaled) <= largest)).any():
                row, place = (int(at) for at in np.argwhere(wrong)[0])
                raise UsageError(
                    f"{table.name}: column '{self.schema.modelled[place].name}', {table.place(batch.start + row)}: "
                    f"{batch.values[row, place]:g} is too far from the values of the training to be scaled"
                )
            yield Encoded(
                batch.start, scaled.astype(np.float32), batch.mask, batch.resets, batch.times, batch.documents
            )

    def decode(self, values: np.ndarray, mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Numbers of a model as columns of the user.

        **Arguments:**

        - `values`: (rows, modelled), as in `Encoded.values`, predictions for example.
        - `mask`: (rows, modelled), booleans: where there is a value; None: everywhere.

        **Returns:** name -> (rows,) array: numbers, counts and bits as float64 in the units of the file, NaN without a
        value; classes as texts, None without one.

        **Raises:** `UsageError` for another number of columns, and for a place outside a vocabulary.
        """
        columns = self.schema.modelled
        values = np.asarray(values, np.float64)
        mask = np.ones(values.shape, bool) if mask is None else np.asarray(mask, bool)
        if values.ndim != 2 or values.shape[1] != len(columns) or mask.shape != values.shape:
            raise UsageError(
                f"decode: values and mask must be (rows, {len(columns)}), got {values.shape}, {mask.shape}"
            )
        centre, scale = self._arrays()
        full = np.where(mask, values * scale + centre, np.nan)
        found: dict[str, np.ndarray] = {}
        for place, column in enumerate(columns):
            found[column.name] = full[:, place]
            if column.kind == "class":
                found[column.name] = _names(column.name, column.vocabulary, full[:, place])
        return found

    def as_plain(self) -> dict[str, Any]:
        """As plain values of JSON, for a run folder."""
        return {"schema": self.schema.as_plain(), "scales": self.scales.as_plain()}

    @classmethod
    def from_plain(cls, plain: Any) -> "Encoder":
        """The encoder of plain values.

        **Arguments:** `plain`: what `as_plain` gave.

        **Raises:** `UsageError` where it is something else.
        """
        if not isinstance(plain, dict) or {"schema", "scales"} - plain.keys():
            raise UsageError(f"a stored encoder must have a schema and scales, got {shown(plain)}")
        return cls(Schema.from_plain(plain["schema"]), Scales.from_plain(plain["scales"]))

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        names = [column.name for column in self.schema.modelled]
        centre = np.array([self.scales.centre.get(name, 0.0) for name in names])
        return centre, np.array([self.scales.scale.get(name, 1.0) for name in names])


def _names(name: str, vocabulary: tuple[str, ...], places: np.ndarray) -> np.ndarray:
    there = ~np.isnan(places)
    whole = np.where(there, places, 0).astype(np.int64)
    if ((whole != np.where(there, places, 0)) | (whole < 0) | (whole >= len(vocabulary))).any():
        raise UsageError(f"decode: column '{name}' must hold places in its vocabulary, 0..{len(vocabulary) - 1}")
    found = np.empty(len(places), object)
    found[:] = [vocabulary[place] if known else None for place, known in zip(whole, there, strict=True)]
    return found
