"""Rows of a user's table with a class each, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import at_least, positive
from vestige.data import Source, UserFile
from vestige.data.tables.options import ReadOptions
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.data.labelled_rows import LabelledRows
    from vestige.tasks.tied.rows import LabelledTable


@dataclasses.dataclass(frozen=True)
class LabelledTableSpec(TaskSpec, ReadOptions):
    """Your own examples with a class each, from a table."""

    path: str | None = None
    """A table with a row for each example, such as a CSV or Parquet file, or an .npz file of images (rows, height,
    width) and their labels. None: wines of three growers, 178 rows, which come with scikit-learn."""
    inputs: str | None = None
    """Columns that are learned, A,B. None: all that have a use, as vestige data describe suggests."""
    outcome: str | None = None
    """The column with the class. None: as vestige data describe suggests; an empty name: none, all are alike."""
    ignored: str | None = None
    """Columns without a use, A,B."""
    kinds: str | None = None
    """Kinds of columns, A=number,B=class (or count, bit). None: as vestige data describe suggests."""
    grey: float | None = None
    """Numbers and counts are grey levels from 0 to this, such as 255. None: they are not."""
    held_out: float = 0.2
    """Share of the rows of each class, drawn by the seed, on which the model is evaluated."""
    labels_per_class: int | None = None
    """How many labels of each class are known in training; None: all."""
    samples: int = 50
    """Importance samples of a held-out row behind the likelihood while training; five times as many at the end."""

    part: ClassVar[str] = "vestige.tasks.tied.rows:LabelledTable"
    provides: ClassVar[frozenset[str]] = frozenset({"rows"})

    def __post_init__(self):
        super().__post_init__()
        ReadOptions.__post_init__(self)
        at_least(self, 1, "labels_per_class", "samples")
        if self.grey is not None:
            positive(self, "grey")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must be in (0, 1), got {self.held_out}")
        self.kinds_by_name()

    @property
    def metric(self) -> str:
        return "nll"

    def summary(self) -> dict[str, str]:
        return {"rows": "wines" if self.path is None else f"of {self.path}"}

    def sources(self) -> tuple[Source, ...]:
        return () if self.path is None else (UserFile("path", self.path),)

    def kinds_by_name(self) -> dict[str, str]:
        """`kinds`, name -> kind. **Raises:** `ValueError` where it cannot be read."""
        found = {}
        for part in (self.kinds or "").split(","):
            name, sign, kind = part.rpartition("=")
            if part.strip() and not (sign and name.strip() and kind.strip()):
                raise ValueError(f"kinds must be A=number,B=class, got {self.kinds!r}")
            if sign:
                found[name.strip()] = kind.strip()
        return found

    def rows(self, *, seed: int, layout: Any = None) -> "LabelledRows":
        """The examples, split.

        **Arguments:**

        - `seed`: of the split.
        - `layout`: a `RowLayout` that was fitted before; None: it is fitted.

        **Raises:** `UsageError` where the table cannot be read or learned.
        """
        source = load("vestige.data.wines:wines")() if self.path is None else self.path
        return load("vestige.data.labelled_rows:labelled_rows")(
            source,
            inputs=self.inputs,
            outcome=self.outcome,
            ignored=self.ignored,
            kinds=self.kinds_by_name(),
            reading=ReadOptions.of(self),
            grey=self.grey,
            held_out=self.held_out,
            seed=seed,
            layout=layout,
        )

    def build(self, *, seed: int) -> "LabelledTable":
        return self._of(self.rows(seed=seed), seed)

    def fitted(self, task: Any) -> dict[str, Any]:
        return task.layout.as_plain()

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "LabelledTable":
        layout = load("vestige.data.row_layout:RowLayout").from_plain(fitted)
        return self._of(self.rows(seed=seed, layout=layout), seed)

    def without_data(self) -> "LabelledTableSpec":
        return UnreadTableSpec(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})

    def _of(self, rows: "LabelledRows", seed: int) -> "LabelledTable":
        return load("vestige.tasks.tied.loading:table_task")(
            rows, labels_per_class=self.labels_per_class, samples=self.samples, seed=seed
        )


@dataclasses.dataclass(frozen=True)
class UnreadTableSpec(LabelledTableSpec):
    """A table whose file is not read: a model that is trained on it is built, and predicts other files."""

    def sources(self) -> tuple[Source, ...]:
        return ()

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "LabelledTable":
        layout = load("vestige.data.row_layout:RowLayout").from_plain(fitted)
        return load("vestige.tasks.tied.loading:unread_table")(layout, self.samples)


TABLE_TASKS = {"labelled-table": LabelledTableSpec()}
