"""Tables as one array of steps in the cache, of which any stretch can be read."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from vestige import gate
from vestige.data import places
from vestige.data.files import unwritable
from vestige.data.identity import identify
from vestige.data.steps.choosing import step_schema
from vestige.data.steps.columns import StepColumns
from vestige.data.steps.opening import open_steps
from vestige.data.steps.trimming import trim, used
from vestige.data.tables import AbstractTable, Encoder, ReadOptions, SchemaOptions, documents_of, hold_out
from vestige.errors import UsageError
from vestige.storage.digests import digest_of, seal_holds, sealed
from vestige.storage.durable import sync_folder, sync_tree

CACHE = "steps"
VALUES, LENGTHS, ABOUT = "values.npy", "lengths.npy", "about.json"
VERSION = 1
ABOUT_BYTES = 2**28


class ConvertedSteps(NamedTuple):
    """A table as an array of steps.

    - `values`: the `.npy` file, (rows, modelled) float32, NaN where missing, as `StepColumns` reads it.
    - `columns`: what they mean.
    - `lengths`: (documents,) int64, steps of each document; one where there is no document column.
    - `cut`: the first row that is held out; all rows where none is.
    - `notes`: what was assumed; sentences.
    """

    values: Path
    columns: StepColumns
    lengths: np.ndarray
    cut: int
    notes: tuple[str, ...]

    def documents(self, *, held_out: bool) -> np.ndarray:
        """The lengths of the documents before, or after, the cut."""
        ends = np.cumsum(self.lengths)
        if len(self.lengths) == 1:
            return np.array([ends[-1] - self.cut if held_out else self.cut])
        return self.lengths[ends > self.cut] if held_out else self.lengths[ends <= self.cut]


Chosen = Callable[[AbstractTable], tuple[StepColumns, int | None, tuple[str, ...]]]


def converted(
    source: str | Path,
    options: SchemaOptions = SchemaOptions(),
    *,
    reading: ReadOptions = ReadOptions(),
    text: bool = False,
    share: float | None = None,
) -> ConvertedSteps:
    """The steps of a table from which a model learns, encoded once, and kept in the cache by the table's digest.

    A few passes over the table where it is not there yet; memory in proportion to a batch. Nothing is left behind that
    is not complete.

    **Arguments:**

    - `source`: a path that `vestige.data.open` reads, or of a text.
    - `options`: what the user says of the columns.
    - `reading`: how the file is read.
    - `text`: whether it is a text.
    - `share`: of the rows that is held out, the last ones, as nearly as whole documents can; None: none. Scales are
      fitted on the others.

    **Raises:** `UsageError` where the table is no stream, with column and row; where the outcome is known nowhere in
    the part that is trained on, or is one class there; `RunError` where the cache cannot be written.
    """
    said = {"options": _plain(options), "share": share}

    def columns(table: AbstractTable) -> tuple[StepColumns, int | None, tuple[str, ...]]:
        schema, notes = step_schema(table, options)
        if share is None:
            return StepColumns(Encoder.fit(table, schema), text), None, notes
        parts = hold_out(table, schema, share)
        fitted = Encoder.fit(table, schema, parts.train)
        return StepColumns(fitted, text), parts.held_out[0][0], (*notes, parts.note)

    found = _kept(Path(source), said, columns, reading=reading, text=text)
    _check_outcomes(str(source), found)
    return found


def converted_with(
    source: str | Path,
    known: StepColumns,
    *,
    reading: ReadOptions = ReadOptions(),
    text: bool = False,
    share: float | None = None,
) -> ConvertedSteps:
    """The steps of another table, by what was fitted in training: vocabularies, scales.

    **Arguments:**

    - `source`, `reading`, `text`, `share`: as for `converted`.
    - `known`: of the training.

    **Raises:** as `converted`, and for absent columns and unknown classes, with column and row.
    """

    def columns(table: AbstractTable) -> tuple[StepColumns, int | None, tuple[str, ...]]:
        cut = None if share is None else hold_out(table, known.schema, share).held_out[0][0]
        return known, cut, ()

    said = {"columns": digest_of(known.as_plain()), "share": share}
    return _kept(Path(source), said, columns, reading=reading, text=text)


def _kept(source: Path, said: dict[str, Any], columns: Chosen, *, reading: ReadOptions, text: bool) -> ConvertedSteps:
    """What is in the cache, or is put there now."""
    if not source.exists():
        raise UsageError(f"{source}: there is no such file; name a table, or a folder that holds one")
    identity = identify(source)
    key = digest_of(
        {
            "version": VERSION,
            "source": [identity.size, identity.sha256],
            "reading": {name: getattr(reading, name) for name in sorted(ReadOptions.__dataclass_fields__)},
            "text": text,
            **said,
        }
    )
    folder = places.cache_folder(CACHE) / key[:32]
    if (found := _read(folder)) is not None:
        return found
    table = open_steps(source, reading, text=text)
    chosen, cut, notes = columns(table)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
        partial.mkdir()
        try:
            _write(partial, table, chosen, cut, notes)
            sync_tree(partial)
            if folder.exists():
                shutil.rmtree(folder)  # damaged, or of another process that was as fast
            os.rename(partial, folder)
            sync_folder(folder.parent)
            trim(folder.parent, ABOUT)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    found = _read(folder)
    assert found is not None
    return found


def _write(folder: Path, table: AbstractTable, columns: StepColumns, cut: int | None, notes: tuple[str, ...]) -> None:
    stretches = documents_of(table, columns.schema)
    rows, width = stretches[-1][1], len(columns.schema.modelled)
    written = 0
    with open(folder / VALUES, "xb") as file:
        _header(file, (rows, width))
        for batch in columns.encoder.encode(table):
            values = np.ascontiguousarray(columns.packed(table, batch), "<f4")
            file.write(values.tobytes())
            written += len(values)
    if written != rows:
        raise UsageError(f"{table.name}: it had {rows:,} rows and then {written:,}: it was changed while it was read")
    np.save(folder / LENGTHS, np.diff([begin for begin, _ in stretches] + [rows]).astype(np.int64))
    about = {"columns": columns.as_plain(), "cut": rows if cut is None else cut, "notes": list(notes)}
    (folder / ABOUT).write_text(json.dumps(sealed(about)), encoding="utf-8")


def _header(file: BinaryIO, shape: tuple[int, int]) -> None:
    np.lib.format.write_array_header_2_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})


def _read(folder: Path) -> ConvertedSteps | None:
    """What lies there; None where it is not complete: then it is made again."""
    try:
        about = gate.read_json(folder / ABOUT, limit=ABOUT_BYTES)
        lengths = gate.read_npy(folder / LENGTHS)
        with gate.open_npy(folder / VALUES) as (_, header):
            rows = header.shape[0]
    except gate.Unreadable:
        return None
    if not seal_holds(about) or lengths.sum() != rows:
        return None
    used(folder / ABOUT)
    columns = StepColumns.from_plain(about["columns"])
    return ConvertedSteps(folder / VALUES, columns, lengths, int(about["cut"]), tuple(about["notes"]))


def _check_outcomes(name: str, found: ConvertedSteps) -> None:
    """**Raises:** `UsageError` where the part that is trained on says nothing of the outcome."""
    seen: set[float] = set()
    outcome = found.columns.outcome.name
    for values in stretches_of(found.values, 0, found.cut):
        known = found.columns.outcomes(values)
        known = known[~np.isnan(known)] if found.columns.labels is None else known[known >= 0]
        seen.update(np.unique(known).tolist())
        if len(seen) > 1:
            return
    what = "known in none" if not seen else "the same in all of those in which it is known"
    raise UsageError(
        f"{name}: column '{outcome}' is {what} of the first {found.cut:,} rows, which are trained on; there is nothing "
        "to learn"
    )


def stretches_of(path: Path, start: int, stop: int, size: int = 2**16) -> Iterator[np.ndarray]:
    """The rows of an array file from `start` to `stop`, a stretch after the other.

    **Arguments:**

    - `path`: of the `.npy` file.
    - `start`, `stop`: the first row and the one after the last.
    - `size`: rows of a stretch.
    """
    with gate.open_npy(path) as (file, header):
        width = int(np.prod(header.shape[1:], dtype=np.int64))
        for begin in range(start, stop, size):
            rows = min(size, stop - begin)
            file.seek(header.offset + 4 * width * begin)
            yield np.frombuffer(file.read(4 * width * rows), "<f4").reshape(rows, *header.shape[1:])


def _plain(options: SchemaOptions) -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value := getattr(options, name), dict) else value
        for name in sorted(SchemaOptions.__dataclass_fields__)
    }
