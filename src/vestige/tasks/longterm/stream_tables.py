"""The task on tables and texts: converted, cut, and what of it is fitted in training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vestige.data.steps import ConvertedSteps, StepColumns, converted, converted_with
from vestige.data.tables import ReadOptions, SchemaOptions
from vestige.data.tables.options import words
from vestige.errors import UsageError, shown
from vestige.sequences import AbstractReader, Documents, TableReader, UnreadFile
from vestige.tasks.longterm.outcome_examples import known_in
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
        _check_known(readers[1], steps.columns)
        return _task(spec, readers, steps.columns, _documents(spec.train, steps, None))
    steps = converted(spec.train, options, **how)
    held_out = converted_with(spec.held_out, steps.columns, **how)
    readers = TableReader(spec.train, steps), TableReader(spec.held_out, held_out)
    _check_known(readers[1], steps.columns)
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
    if spec.held_out is None:
        steps = converted_with(spec.train, columns, share=spec.held_out_share, **how)
        readers = TableReader(spec.train, steps, 0, steps.cut), TableReader(spec.train, steps, steps.cut)
        return _task(spec, readers, columns, _documents(spec.train, steps, None))
    held_out = converted_with(spec.held_out, columns, **how)
    readers = UnreadFile(spec.train, fitted.get("train")), TableReader(spec.held_out, held_out)
    if columns.schema.document is None:
        return _task(spec, readers, columns, None)
    longest = Documents.of_longest(int(fitted["longest_document"]), spec.train)
    return _task(spec, readers, columns, (longest, Documents.of_lengths(held_out.lengths, spec.held_out)))


def unread(spec: "StreamSpec", fitted: Mapping[str, Any]) -> Stream:
    """The task without its files, for predictions of others.

    **Arguments:**

    - `spec`: of the run.
    - `fitted`: what `fitted_of` gave.

    **Raises:** `UsageError` where `fitted` is damaged.
    """
    assert spec.train is not None
    reader, columns = UnreadFile(spec.train, fitted.get("train")), StepColumns.from_plain(fitted.get("columns"))
    documents = None
    if columns.schema.document is not None:
        one = Documents.of_longest(int(fitted["longest_document"]), spec.train)
        documents = one, one
    return _task(spec, (reader, reader), columns, documents)


def tried_on(task: Stream, share: float) -> Stream | None:
    """The same task on the training part alone, whose end is held out: to choose by.

    **Arguments:**

    - `task`: of `of_tables`.
    - `share`: of the training part that is held out, of whole documents where there are any.

    **Returns:** the task; None where a part would have no known outcome.
    """
    whole = task.train
    assert isinstance(whole, TableReader) and task.columns is not None
    documents, cut = None, whole.length - max(1, round(share * whole.length))
    if task.documents is not None:
        lengths = np.asarray(task.documents[0].lengths, np.int64)
        ends = np.cumsum(lengths)
        if len(lengths) < 2:
            return None
        first = int(np.argmin(np.abs(ends[:-1] - cut))) + 1
        cut = int(ends[first - 1])
        documents = tuple(Documents.of_lengths(part, whole.name) for part in (lengths[:first], lengths[first:]))
    if cut < 1:
        return None
    early, late = whole.part(0, cut), whole.part(cut, whole.length)
    if not all(known_in(part, np.array([part.length])) for part in (early, late)):
        return None
    kinds = task.tokens, task.classes
    return Stream(early, late, None, *kinds, task.max_distance, documents, task.columns)  # pyright: ignore[reportArgumentType]


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


def _check_known(held_out: TableReader, columns: StepColumns) -> None:
    """**Raises:** `UsageError` where the outcome of no held-out step is known, before anything is trained."""
    if not known_in(held_out, np.array([held_out.length])):
        raise UsageError(
            f"{held_out.name}: column '{columns.outcome.name}' is known at none of the {held_out.length:,} held-out "
            "steps, so that nothing could be evaluated; hold out a larger share (--task.held-out-share, or with "
            "vestige fit --held-out), or another file"
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
