"""Your own files that are to be remembered, as options; nothing here imports JAX."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import at_least
from vestige.data import Source, UserFile
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.sequences import AbstractReader, Documents
    from vestige.tasks.longterm.stream import Stream

FAR = 1000
"""The distance for which a model is made where no document bounds it."""


@dataclasses.dataclass(frozen=True)
class StreamSpec(TaskSpec, ReadOptions):
    """Your own files, one step after the other, which may be far larger than memory; without any, an example.

    A Parquet file, Zarr group, folder of `.npy` files or array records whose steps are what a model takes (integers, of
    which `tokens` and `classes` say how many there are, or floating-point numbers) is read as it is. Anything else that
    `vestige.data.open` reads is a table: what its columns mean, vocabularies and scales come from the training part,
    and it is encoded once, into the cache.
    """

    train: str | None = None
    """To learn from: a table (CSV, TSV, also .gz, Parquet, Arrow, npy, npz); or a folder with inputs.npy and
    outcomes.npy, time first, a file .parquet, a group .zarr, or records .array_record. None: the data set
    example-stream, which is made in the cache."""
    held_out: str | None = None
    """To evaluate on, of the same kind. None: the last part of `train`."""
    inputs: str | None = None
    """The columns that are seen at a step, A,B; of other files the name of the .npy file (without ending), or of the
    array; of records the numpy type: i4, or (3,)f4. None: of a table as vestige data describe suggests, else inputs."""
    outcomes: str | None = None
    """Where the outcomes are, likewise: one column. None: as vestige data describe suggests, else outcomes."""
    document: str | None = None
    """Where it is said to which document a step belongs, likewise: a value that changes, or a boolean that is True
    at the first step. Nothing is remembered from one document to the next. None: of a table as vestige data describe
    suggests; else each file is one document."""
    held_out_share: float = 0.2
    """The share of a table that is held out where no other file is, of whole documents where there are any."""
    ignored: str | None = None
    """Columns of a table without a use."""
    time: str | None = None
    """The column of times of a table; where they are irregular the gap is an input. None: as suggested."""
    kinds: str | None = None
    """Kinds of columns of a table, COL=number|count|bit|class, with commas between them; None: as suggested."""
    text: bool = False
    """The files are texts: the next character is predicted."""
    table: bool | None = None
    """Whether the files are tables; None: where they are not what a model takes as it is."""
    unknown: bool = False
    """Whether a negative class, NaN or null says that a step has no outcome; otherwise it is an error. In a table what
    is missing always says so."""
    tokens: int | None = None
    """How many different inputs there are, where they are integers; of a table its columns say so."""
    classes: int | None = None
    """How many different outcomes there are, where they are integers; of a table its columns say so."""
    segment: int | None = None
    """Learn from so many steps at a time, from anywhere in the file; None: your files from end to end, in as many parts
    as the batch has rows, and the example as `example_segment` says."""
    example_segment: int | None = 200
    """As `segment`, for the example alone; None: from end to end."""
    max_distance: int | None = None
    """Steps over which something may have to be remembered, about; for cells that are made for a distance. None: the
    longest document, where a column distinguishes documents; else 1,000, or a segment of the example."""

    part: ClassVar[str] = "vestige.tasks.longterm.stream:Stream"
    provides: ClassVar[frozenset[str]] = frozenset({"outcomes"})
    has_queries: ClassVar[bool] = False
    """Nobody says of a file which of its outcomes take a memory."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "tokens", "classes", "segment", "example_segment", "max_distance")
        ReadOptions.__post_init__(self)
        if not 0 < self.held_out_share < 1:
            raise ValueError(f"held_out_share must be in (0, 1), got {self.held_out_share}")
        if self.train is None and self.held_out is not None:
            raise ValueError("--task.held-out was given alone; give --task.train too, to learn from")
        if self.train is None and (self.tokens, self.classes, self.document) != (None, None, None):
            raise ValueError("--task.tokens, --task.classes and --task.document are about files; give --task.train")
        if self.table is False and self.train is not None and self.held_out is None:
            raise ValueError("--task.train is read as it is, so that --task.held-out must name what is evaluated on")

    @property
    def metric(self) -> str:
        as_it_is = self.train is not None and self.classes is None and self.table is False
        return "mse" if as_it_is else "accuracy"

    @property
    def piece(self) -> int | None:
        """Steps that are learned from at a time; None: from end to end."""
        return self.example_segment if self.segment is None and self.train is None else self.segment

    @property
    def _sequence(self) -> str:
        return "whole file" if self.document is None else "a document"

    def summary(self) -> dict[str, str]:
        return {
            "file": self.train or "example-stream",
            "segment": self._sequence if self.piece is None else f"{self.piece:,}",
        }

    def sources(self) -> tuple[Source, ...]:
        if self.train is None:
            return ()
        if self.held_out is None:
            return (UserFile("train", self.train),)
        return (
            UserFile("train", self.train, self._parts(self.train), evaluated=False),
            UserFile("held_out", self.held_out, self._parts(self.held_out)),
        )

    def _parts(self, path: str) -> tuple[str, ...]:
        """The files that are read of a folder of `.npy` files."""
        from vestige.tasks.longterm.opening import OPENERS

        if self.is_table or Path(path).suffix.lower() in OPENERS:
            return ()
        names = [*self._names, *([] if self.document is None else [self.document])]
        return tuple(f"{name}.npy" for name in names)

    @property
    def _names(self) -> tuple[str, str]:
        """Where inputs and outcomes are in files that are read as they are."""
        return self.inputs or "inputs", self.outcomes or "outcomes"

    @functools.cached_property
    def is_table(self) -> bool:
        """Whether the files are read by what their columns mean; only their beginnings are looked at to say so."""
        if self.train is None or self.table is not None or self.text:
            return self.text or bool(self.table)
        if self.held_out is None or ReadOptions.of(self) != ReadOptions():
            return True
        if self.tokens is not None or self.classes is not None:
            return False
        from vestige.tasks.longterm.opening import are_records, holds_numbers

        files = self.train, self.held_out
        return not any(map(are_records, files)) and not all(holds_numbers(path, *self._names) for path in files)

    def build(self, *, seed: int) -> "Stream":
        """The task. **Raises:** `UsageError` where a file cannot be opened, `ValueError` where it does not fit."""
        if self.train is None:
            from vestige.tasks.longterm.opening import example

            files, tokens, classes = example()
            return load(self.part)(*files, self.piece, tokens, classes, self._distance(None))
        if self.is_table:
            return load("vestige.tasks.longterm.stream_tables:of_tables")(self)
        return self._of(self._opened(self.train), self._opened(self.held_out), self._documents(self.train))

    def fitted(self, task: "Stream") -> dict[str, Any]:
        if self.train is None:
            return {}
        longest = None if task.documents is None else task.documents[0].longest
        found = {"train": task.train.described(), "longest_document": longest}
        if task.columns is None:
            return found
        return {**found, **load("vestige.tasks.longterm.stream_tables:fitted_of")(task)}

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "Stream":
        if self.train is None:
            return self.build(seed=seed)
        if "columns" in fitted:
            return load("vestige.tasks.longterm.stream_tables:of_fitted")(self, fitted)
        from vestige.sequences import Documents, UnreadFile

        train, longest = UnreadFile(self.train, fitted.get("train")), fitted.get("longest_document")
        one = None if longest is None else Documents.of_longest(longest, self.train)
        return self._of(train, self._opened(self.held_out), one)

    def without_data(self) -> "StreamSpec":
        return UnreadStreamSpec(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})

    def _distance(self, documents: "Documents | None") -> int:
        if self.max_distance is not None:
            return self.max_distance
        if self.train is None:
            return max(FAR, self.piece or 0)
        return FAR if documents is None else documents.longest

    def _of(self, train: "AbstractReader", held_out: "AbstractReader", documents: "Documents | None") -> "Stream":
        """The task; `documents` are those of the file to train on."""
        assert self.held_out is not None
        both = None if documents is None else (documents, self._documents(self.held_out))
        distance = self._distance(documents)
        return load(self.part)(train, held_out, self.piece, self.tokens, self.classes, distance, both)

    def _documents(self, path: str) -> "Documents | None":
        if self.document is None:
            return None
        from vestige.sequences import ArrayRecordReader, Documents
        from vestige.tasks.longterm.opening import opened

        marks = opened(path, inputs=self.document, outcomes=self._names[1], unknown=True)
        if isinstance(marks, ArrayRecordReader):
            raise UsageError(f"--task.document {self.document}: records ({path}) have no columns by name; use Parquet")
        return Documents.read(marks)

    def _opened(self, path: str | None) -> "AbstractReader":
        from vestige.tasks.longterm.opening import opened

        assert path is not None
        inputs, outcomes = self._names
        return opened(path, inputs=inputs, outcomes=outcomes, unknown=self.unknown)


@dataclasses.dataclass(frozen=True)
class UnreadStreamSpec(StreamSpec):
    """A stream whose files are not read: a model that is trained on it is built, and predicts other files."""

    def sources(self) -> tuple[Source, ...]:
        return ()

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "Stream":
        if self.train is None or "columns" not in fitted:
            raise UsageError(
                f"{self.train or 'the example'} was read as it is, without names of columns, so that no other file can "
                "be predicted; train with --task.train FILE --task.table True"
            )
        return load("vestige.tasks.longterm.stream_tables:unread")(self, fitted)
