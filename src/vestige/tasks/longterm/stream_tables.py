"""The task on tables and texts: converted, cut, and what of it is fitted in training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vestige.data.steps import ConvertedSteps, StepColumns, converted, converted_with
from vestige.data.tables import ReadOptions, SchemaOptions
from vestige.data.tables.options import words
from vestige.errors import UsageError, shown
from vestige.sequences import AbstractReader, Documents, TableReader, UnreadFile
from vestige.tasks.longterm.stream import Stream
from vestige.tasks.longterm.stream_spec import FAR

if TYPE_CHECKING:
    from vestige.tasks.longterm.stream_spec import StreamSpec

TEXT = SchemaOptions(outcomes=("next",), inputs=("character",), kinds={"character": "class", "next": "class"})
"""What the columns of a text mean."""


def of_tables(spec: "StreamSpec") -> Stream:
    """The task on the tables or texts of a specification. Each is encoded once and kept in the cache.

    **Arguments:**

    - `spec`: with a file to train on.

    **Raises:** `UsageError` where a table is no stream of steps, or the two do not go together, with column and row.
    """
    assert spec.train is not None
    how: dict[str, Any] = {"reading": ReadOptions.of(spec), "text": spec.text}
    options = schema_options(spec)
    if spec.held_out is None:
        steps = converted(spec.train, options, share=spec.held_out_share, **how)
        readers = TableReader(spec.train, steps, 0, steps.cut), TableReader(spec.train, steps, steps.cut)
        return _task(spec, readers, steps.columns, _documents(spec.train, steps, None))
    steps = converted(spec.train, options, **how)
    held_out = converted_with(spec.held_out, steps.columns, **how)
    readers = TableReader(spec.train, steps), TableReader(spec.held_out, held_out)
    return _task(spec, readers, steps.columns, _documents(spec.train, steps, held_out, spec.held_out))


def of_fitted(spec: "StreamSpec", fitted: Mapping[str, Any]) -> Stream:
    """As `of_tables`, to evaluate a run: by vocabularies and scales of the training, whatever the files hold now.

    **Arguments:**

    - `spec`: whose held-out file, or the held-out part of whose file, is read.
    - `fitted`: what `fitted_of` gave.

    **Raises:** as `of_tables`; `UsageError` where `fitted` is damaged.
    """
    assert spec.train is not None
    columns = StepColumns.from_plain(fitted.get("columns"))
    how: dict[str, Any] = {"reading": ReadOptions.of(spec), "text": spec.text}
    path, share = (spec.train, spec.held_out_share) if spec.held_out is None else (spec.held_out, None)
    steps = converted_with(path, columns, share=share, **how)
    readers = UnreadFile(spec.train, fitted.get("train")), TableReader(path, steps, 0 if share is None else steps.cut)
    if columns.schema.document is None:
        return _task(spec, readers, columns, None)
    longest = Documents.of_longest(int(fitted["longest_document"]), spec.train)
    held_out = Documents.of_lengths(steps.lengths if share is None else steps.documents(held_out=True), path)
    return _task(spec, readers, columns, (longest, held_out))


def fitted_of(task: Stream) -> dict[str, Any]:
    """What is kept of the training files: what their columns mean, vocabularies, scales, sizes.

    **Arguments:** `task`: of `of_tables`.

    **Returns:** plain values.
    """
    assert task.columns is not None
    return {
        "columns": task.columns.as_plain(),
        "tokens": task.tokens,
        "features": task.features,
        "classes": task.classes,
        "max_distance": task.max_distance,
    }


def schema_options(spec: "StreamSpec") -> SchemaOptions:
    """What a specification says of the columns. **Raises:** `UsageError` for what says nothing of a table."""
    for name in ("tokens", "classes"):
        if getattr(spec, name) is not None:
            raise UsageError(
                f"--task.{name} is of files of integers that are read as they are; those of the table {spec.train} "
                "follow from its columns: leave it out"
            )
    if spec.text:
        return TEXT
    kinds = {}
    for pair in words(spec.kinds):
        column, equals, kind = pair.rpartition("=")
        if not equals:
            raise UsageError(f"--task.kinds must be COL=KIND, with commas between several, got '{shown(pair)}'")
        kinds[column.strip()] = kind.strip()
    return SchemaOptions(
        time=spec.time,
        document=spec.document,
        outcomes=words(spec.outcomes),
        inputs=None if spec.inputs is None else words(spec.inputs),
        ignored=words(spec.ignored),
        kinds=kinds,
    )


def _documents(
    train: str, steps: ConvertedSteps, other: ConvertedSteps | None, path: str | None = None
) -> tuple[Documents, Documents] | None:
    """Where the documents of the two parts begin; None where no column distinguishes them."""
    if steps.columns.schema.document is None:
        return None
    if other is None:
        both = (steps.documents(held_out=part) for part in (False, True))
        return tuple(Documents.of_lengths(lengths, train) for lengths in both)  # pyright: ignore[reportReturnType]
    return Documents.of_lengths(steps.lengths, train), Documents.of_lengths(other.lengths, path or train)


def _task(
    spec: "StreamSpec",
    readers: tuple[AbstractReader, AbstractReader],
    columns: StepColumns,
    documents: tuple[Documents, Documents] | None,
) -> Stream:
    distance = spec.max_distance
    if distance is None:
        distance = min(FAR, readers[0].length) if documents is None else documents[0].longest
    kinds = columns.tokens, columns.classes
    return Stream(*readers, spec.segment, *kinds, distance, documents, columns)
