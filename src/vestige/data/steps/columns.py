"""What is seen at a step of a table, and what is predicted there, as numbers for a model."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vestige.data.tables import AbstractTable, Column, Encoded, Encoder
from vestige.errors import UsageError, shown


@dataclass(frozen=True, eq=False)
class StepColumns:
    """The columns of a table that a model of a stream sees, and the one that it predicts.

    One column of classes is a token; otherwise a step is a vector: a place for each class (1 at the one that is
    there), bits as they are, numbers scaled. A column of which values are missing in training has a place more that
    says so, a column of tokens one token more. The outcome is a class (a bit is one of two), or a scaled number.

    **Arguments:**

    - `encoder`: what the columns mean, and the scales of the training part.
    - `text`: whether they are of a text: a character, and the next one.

    **Raises:** `UsageError` where there is not one outcome, or no input.
    """

    encoder: Encoder
    text: bool = False

    def __post_init__(self):
        if len(found := self.schema.of("outcome")) != 1 or not self.seen:
            raise UsageError(
                f"a stream has inputs and one outcome, got {len(self.seen)} inputs and {len(found)} outcomes"
            )

    @property
    def schema(self) -> Any:
        """What the columns mean."""
        return self.encoder.schema

    @cached_property
    def seen(self) -> tuple[Column, ...]:
        """The columns that are seen at a step, in the order of the table."""
        return self.schema.of("input", "known")

    @cached_property
    def outcome(self) -> Column:
        """The column that is predicted."""
        return self.schema.of("outcome")[0]

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The names of the classes of the outcome, in the order of their numbers; None where it is a number."""
        return labels_of(self.outcome)

    @property
    def tokens(self) -> int | None:
        """How many different integers may be seen at a step; None where vectors are seen."""
        return self._width(self.seen[0]) if self._is_token else None

    @property
    def features(self) -> int | None:
        """The length of the vector that is seen at a step; None where integers are seen."""
        return None if self._is_token else sum(map(self._width, self.seen))

    @property
    def classes(self) -> int | None:
        """How many classes the outcome has; None where it is a number."""
        return None if self.labels is None else len(self.labels)

    @property
    def unit(self) -> tuple[float, float]:
        """Of an outcome that is a number: the value is the first of these, plus the second times what a model sees."""
        scales = self.encoder.scales
        return scales.centre.get(self.outcome.name, 0.0), scales.scale.get(self.outcome.name, 1.0)

    def inputs(self, values: np.ndarray) -> np.ndarray:
        """What a model sees.

        **Arguments:**

        - `values`: (steps, modelled) float32, of `packed`.

        **Returns:** (steps,) int32 tokens, or (steps, features) float32.
        """
        columns = [self._places[column.name] for column in self.seen]
        if self._is_token:
            found = values[:, columns[0]]
            return np.where(np.isnan(found), len(self.seen[0].vocabulary), found).astype(np.int32)
        parts = [self._vector(column, values[:, place]) for column, place in zip(self.seen, columns, strict=True)]
        return np.concatenate(parts, axis=1)

    def outcomes(self, values: np.ndarray) -> np.ndarray:
        """What is predicted.

        **Arguments:**

        - `values`: (steps, modelled) float32, of `packed`.

        **Returns:** (steps,) int32 classes, -1 where not known; or float32 numbers in units of the training, NaN where
        not known.
        """
        found = values[:, self._places[self.outcome.name]]
        return found if self.labels is None else np.where(np.isnan(found), -1, found).astype(np.int32)

    def packed(self, table: AbstractTable, rows: Encoded) -> np.ndarray:
        """Encoded rows as one array.

        **Arguments:**

        - `table`: that they are of, for messages.
        - `rows`: by the encoder.

        **Returns:** (rows, modelled) float32, NaN where missing.

        **Raises:** `UsageError` where a value is missing in an input that was never missing in training, with column
        and row.
        """
        for column in self.seen:
            missing = ~rows.mask[:, self._places[column.name]]
            if missing.any() and not _may_miss(column):
                row = table.place(rows.start + int(np.argmax(missing)))
                raise UsageError(
                    f"{table.name}: column '{column.name}', {row}: it is missing, and never was in the data of the "
                    "training, so that the model does not know what that means; fill it in"
                )
        return np.where(rows.mask, rows.values, np.float32("nan"))

    def as_plain(self) -> dict[str, Any]:
        """As plain values of JSON, for a run folder."""
        return {**self.encoder.as_plain(), "text": self.text}

    @classmethod
    def from_plain(cls, plain: Any) -> "StepColumns":
        """What `as_plain` gave. **Raises:** `UsageError` where `plain` is something else."""
        return cls(Encoder.from_plain(plain), bool(plain.get("text", False)))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {column.name: place for place, column in enumerate(self.schema.modelled)}

    @property
    def _is_token(self) -> bool:
        return len(self.seen) == 1 and self.seen[0].kind == "class"

    def _width(self, column: Column) -> int:
        return (len(column.vocabulary) if column.kind == "class" else 1) + _may_miss(column)

    def _vector(self, column: Column, values: np.ndarray) -> np.ndarray:
        missing = np.isnan(values)
        found = np.zeros((len(values), self._width(column)), np.float32)
        if column.kind == "class":
            places = np.where(missing, found.shape[1] - 1, values).astype(np.int64)
            found[np.arange(len(values)), places] = 1.0
            return found
        found[:, 0] = np.where(missing, 0.0, values)
        if _may_miss(column):
            found[:, 1] = missing
        return found


def labels_of(column: Column) -> tuple[str, ...] | None:
    """The names of the classes of a `column`, in the order of their numbers; None where it holds numbers."""
    if column.kind == "bit":
        return ("False", "True") if column.stored == "bool" else ("0", "1")
    return column.vocabulary if column.kind == "class" else None


def output_names(columns: StepColumns) -> tuple[str, ...]:
    """The names of the columns of probabilities in a file of predictions, one for each class; empty for a number."""
    return tuple(f"{columns.outcome.name}.{shown(label)}" for label in columns.labels or ())


def _may_miss(column: Column) -> bool:
    """Whether a model knows of this column what a missing value is: the gap before a document is missing always."""
    return column.missing > 0 or column.derived is not None
