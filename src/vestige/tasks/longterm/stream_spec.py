"""Your own files that are to be remembered, as options; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import at_least
from vestige.data import Source, UserFile
from vestige.errors import UsageError
from vestige.spec import load
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.sequences import AbstractReader, Documents
    from vestige.tasks.longterm.stream import Stream


@dataclasses.dataclass(frozen=True)
class StreamSpec(TaskSpec):
    """Your own files, one step after the other, which may be far larger than memory; without any, an example."""

    train: str | None = None
    """To learn from: a folder with inputs.npy and outcomes.npy, time first; or a file .parquet, a group .zarr, or
    records .array_record. None: the data set example-stream, which is made in the cache."""
    held_out: str | None = None
    """To evaluate on, of the same kind."""
    inputs: str = "inputs"
    """Where the inputs are: the name of the .npy file (without ending), of the array, or of the column (several:
    A,B,C). Of records the numpy type: i4, or (3,)f4."""
    outcomes: str = "outcomes"
    """Where the outcomes are, likewise."""
    document: str | None = None
    """Where it is said to which document a step belongs, likewise: an integer that changes, or a boolean that is True
    at the first step. Nothing is remembered from one document to the next. None: each file is one document."""
    unknown: bool = False
    """Whether a negative class, NaN or null says that a step has no outcome; otherwise it is an error."""
    tokens: int | None = None
    """How many different inputs there are, where they are integers."""
    classes: int | None = None
    """How many different outcomes there are, where they are integers."""
    segment: int | None = None
    """Learn from so many steps at a time, from anywhere in the file; None: your files from end to end, in as many parts
    as the batch has rows, and the example as `example_segment` says."""
    example_segment: int | None = 200
    """As `segment`, for the example alone; None: from end to end."""
    max_distance: int = 1000
    """Steps over which something may have to be remembered, about; for cells that are made for a distance."""

    part: ClassVar[str] = "vestige.tasks.longterm.stream:Stream"
    provides: ClassVar[frozenset[str]] = frozenset({"outcomes"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "tokens", "classes", "segment", "example_segment", "max_distance")
        if (self.train is None) != (self.held_out is None):
            given, other = ("train", "held-out") if self.held_out is None else ("held-out", "train")
            raise ValueError(f"--task.{given} was given alone; give --task.{other} too, to {_PURPOSE[other]}")
        if self.train is None and (self.tokens, self.classes, self.document) != (None, None, None):
            raise ValueError(
                "--task.tokens, --task.classes and --task.document are about files; give --task.train and "
                "--task.held-out too"
            )

    @property
    def metric(self) -> str:
        return "mse" if self.train is not None and self.classes is None else "accuracy"

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
        if self.train is None or self.held_out is None:
            return ()
        return (
            UserFile("train", self.train, self._parts(self.train), evaluated=False),
            UserFile("held_out", self.held_out, self._parts(self.held_out)),
        )

    def _parts(self, path: str) -> tuple[str, ...]:
        """The files that are read of a folder of `.npy` files."""
        from vestige.tasks.longterm.opening import OPENERS

        names = [self.inputs, self.outcomes, *([] if self.document is None else [self.document])]
        return () if Path(path).suffix.lower() in OPENERS else tuple(f"{name}.npy" for name in names)

    def build(self, *, seed: int) -> "Stream":
        """The task. **Raises:** `UsageError` where a file cannot be opened, `ValueError` where it does not fit."""
        from vestige.tasks.longterm.opening import example

        if self.train is None or self.held_out is None:
            files, tokens, classes = example()
            return load(self.part)(*files, self.piece, tokens, classes, self.max_distance)
        return self._of(self._opened(self.train), self._opened(self.held_out), self._documents(self.train))

    def fitted(self, task: "Stream") -> dict[str, Any]:
        if self.train is None:
            return {}
        longest = None if task.documents is None else task.documents[0].longest
        return {"train": task.train.described(), "longest_document": longest}

    def build_fitted(self, fitted: Mapping[str, Any], *, seed: int) -> "Stream":
        if self.train is None or self.held_out is None:
            return self.build(seed=seed)
        import numpy as np

        from vestige.sequences import Documents, UnreadFile

        train, longest = UnreadFile(self.train, fitted.get("train")), fitted.get("longest_document")
        one = None if longest is None else Documents.of_lengths(np.array([longest]), self.train)
        return self._of(train, self._opened(self.held_out), one)

    def _of(self, train: "AbstractReader", held_out: "AbstractReader", documents: "Documents | None") -> "Stream":
        """The task; `documents` are those of the file to train on."""
        assert self.held_out is not None
        both = None if documents is None else (documents, self._documents(self.held_out))
        return load(self.part)(train, held_out, self.piece, self.tokens, self.classes, self.max_distance, both)

    def _documents(self, path: str) -> "Documents | None":
        if self.document is None:
            return None
        from vestige.sequences import ArrayRecordReader, Documents
        from vestige.tasks.longterm.opening import opened

        marks = opened(path, inputs=self.document, outcomes=self.outcomes, unknown=True)
        if isinstance(marks, ArrayRecordReader):
            raise UsageError(f"--task.document {self.document}: records ({path}) have no columns by name; use Parquet")
        return Documents.read(marks)

    def _opened(self, path: str) -> "AbstractReader":
        from vestige.tasks.longterm.opening import opened

        return opened(path, inputs=self.inputs, outcomes=self.outcomes, unknown=self.unknown)


_PURPOSE = {"held-out": "evaluate the memory on", "train": "learn from"}
