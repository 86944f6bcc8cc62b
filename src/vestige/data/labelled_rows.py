"""Rows of a table as examples, with a class each or without, and the split that a seed draws."""

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vestige import gate
from vestige.data.row_layout import RowLayout, block_kind
from vestige.data.tables import AbstractTable, Encoder, Scales, Schema, SchemaOptions, fit_scales, infer, open_table
from vestige.data.tables.options import ReadOptions, named_arrays, words
from vestige.data.tables.raw import raw_rows
from vestige.data.tables.schema import Column
from vestige.data.tables.sliced import array_table
from vestige.errors import UsageError, listed, shown

LEAST_ROWS = 8
MOST_VALUES = 10_000
"""Values of a row."""
GREY_COLUMNS, GREY_SHARE = 16, 0.25
"""From how many columns on, and with which share of them reaching one largest value, numbers from 0 on are taken for
grey levels."""
LEAST_SPREAD = 0.5  # as for `CountScale`: of the roots of counts


class LabelledRows(NamedTuple):
    """What is trained on and what is held out."""

    layout: RowLayout
    train: np.ndarray
    """(rows, values) float32, NaN where missing."""
    train_labels: np.ndarray
    """(rows,) int32, -1 where there is none."""
    test: np.ndarray
    test_labels: np.ndarray
    notes: tuple[str, ...]
    """What was left out; sentences."""


def table_of(source: Any, reading: ReadOptions) -> AbstractTable:
    """A table of examples; images in arrays (rows, height, width) become rows of pixels.

    **Arguments:**

    - `source`: what `vestige.data.open` reads.
    - `reading`: how.

    **Raises:** `UsageError`, as `open_table`.
    """
    if isinstance(source, str | Path) and (path := Path(source)).suffix in (".npy", ".npz") and path.is_file():
        found = {"value": gate.read_npy(path)} if path.suffix == ".npy" else gate.read_npz(path)
        if any(array.ndim > 2 for array in found.values()):
            chosen = named_arrays(reading.arrays) or {name: name for name in found}
            if absent := [array for array in chosen.values() if array not in found]:
                raise UsageError(f"{path} holds no array {listed(absent)}, but {listed(tuple(found))}")
            flat = {name: _flat(found[array]) for name, array in chosen.items()}
            return array_table(str(path), flat, missing_numbers=reading.missing_numbers)
    return open_table(source, reading)


def label_of(schema: Schema, said: str | None) -> Column | None:
    """The column that is the class of a row.

    **Arguments:**

    - `schema`: of the table.
    - `said`: its name, where the user says it.

    **Returns:** the column said; else an outcome of few values, else the one column of classes, else one that is the
    last; None where there is none of these.
    """
    if said is not None:
        return schema.column(said)
    if fitting := [column for column in schema.of("outcome") if column.kind in ("class", "bit")]:
        return fitting[0]
    classes = [column for column in schema.modelled if column.kind == "class"]
    if len(classes) == 1 or (classes and classes[-1] is schema.modelled[-1]):
        return classes[-1]
    return None


def row_schema(
    table: AbstractTable,
    *,
    inputs: str | None = None,
    outcome: str | None = None,
    ignored: str | None = None,
    kinds: Mapping[str, str] | None = None,
) -> tuple[Schema, str | None, tuple[str, ...]]:
    """What the columns of a table of examples are.

    **Arguments:**

    - `table`: that is read, once or twice.
    - `inputs`, `ignored`: names with commas between them; None: as the schema suggests.
    - `outcome`: the class; None: as `label_of`. An empty name: none.
    - `kinds`: name -> kind.

    **Returns:** the schema, in which the class alone is an outcome; its name; sentences on what was left out.

    **Raises:** `UsageError` where no column is left, for a class of which there are not at least two, and as `infer`.
    """
    options = SchemaOptions(outcomes=(outcome,) if outcome else (), ignored=words(ignored), kinds=kinds or {})
    schema = infer(table, options)
    label = None if outcome == "" else label_of(schema, outcome)
    given = None if inputs is None else tuple(name for name in words(inputs) if label is None or name != label.name)
    if given is not None or (label is not None and label.kind != "class"):
        name = () if label is None else (label.name,)
        as_class = {**options.kinds, **dict.fromkeys(name, "class")}
        schema = infer(table, dataclasses.replace(options, inputs=given, outcomes=name, kinds=as_class))
        label = None if label is None else schema.column(label.name)
    left, columns = [], []
    for column in schema.columns:
        if label is not None and column.name == label.name:
            columns.append(dataclasses.replace(column, role="outcome"))
        elif column.derived is not None:
            continue
        elif column.role in ("ignored", "document") or column.kind == "text":
            left.append(f"{shown(column.name)} ({column.reason})")
            columns.append(dataclasses.replace(column, role="ignored"))
        else:
            columns.append(dataclasses.replace(column, role="input"))
    found = dataclasses.replace(schema, columns=tuple(columns), steps=None, documents=None, longest_document=None)
    if not found.of("input"):
        raise UsageError(
            f"{table.name}: no column is left to be learned ({shown(listed(left), 300)}); vestige data describe says "
            "what each is, and how to set it"
        )
    if label is not None and len(label.vocabulary) < 2:
        raise UsageError(
            f"{table.name}: column '{label.name}' holds {len(label.vocabulary)} class, at least 2 are needed; name "
            "another column (--outcomes), or leave this one out (--ignore)"
        )
    notes = (f"Left out: {shown(listed(left), 400)}.",) if left else ()
    return found, label.name if label is not None else None, notes


def grey_range(schema: Schema, label: str | None) -> float | None:
    """The largest grey level, where a table looks like images: many columns of numbers from 0 on, a quarter of which
    reach one largest value.

    **Arguments:**

    - `schema`: of the table.
    - `label`: the name of the class, which does not count.

    **Returns:** that value; None where it does not.
    """
    columns = [column for column in schema.modelled if column.name != label]
    if len(columns) < GREY_COLUMNS or any(column.kind not in ("number", "count", "bit") for column in columns):
        return None
    highs = [column.high if column.high is not None else 0.0 for column in columns]
    lows = [column.low if column.low is not None else 0.0 for column in columns]
    top = max(highs)
    if min(lows) < 0 or top <= 0 or all(column.kind == "bit" for column in columns):
        return None
    return top if sum(high == top for high in highs) >= GREY_SHARE * len(columns) else None


def split(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and held out, by chance, of each class the same share.

    Rows without a label are trained on where others have one. A class of one row is trained on.

    **Arguments:**

    - `labels`: (rows,), -1 where there is none.
    - `share`: that is held out, in (0, 1).
    - `seed`: of the draw.

    **Returns:** the numbers of the rows of either part, ascending.
    """
    noise, held = np.random.default_rng(seed), []
    known = np.unique(labels[labels >= 0])
    for label in known if len(known) else [-1]:
        rows = noise.permutation(np.flatnonzero(labels == label))
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        held.append(rows[:count])
    test = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), test), test


def labelled_rows(
    source: Any,
    *,
    inputs: str | None = None,
    outcome: str | None = None,
    ignored: str | None = None,
    kinds: Mapping[str, str] | None = None,
    reading: ReadOptions = ReadOptions(),
    grey: float | None = None,
    held_out: float = 0.2,
    seed: int = 0,
    layout: RowLayout | None = None,
) -> LabelledRows:
    """The examples of a table, split, with scales fitted on those to train on.

    All in memory, and read three times.

    **Arguments:**

    - `source`: what `vestige.data.open` reads, or arrays of images.
    - `inputs`, `outcome`, `ignored`, `kinds`: as in `row_schema`.
    - `reading`: how it is read.
    - `grey`: numbers and counts are grey levels up to this; None: they are not.
    - `held_out`: the share of the rows of each class that is not trained on.
    - `seed`: of the split.
    - `layout`: fitted before; None: it is fitted.

    **Raises:** `UsageError` where the table is too small, and as `row_schema`, `fit_scales` and `Encoder.encode`.
    """
    table, notes = table_of(source, reading), ()
    if layout is None:
        schema, label, notes = row_schema(table, inputs=inputs, outcome=outcome, ignored=ignored, kinds=kinds)
    else:
        schema, label = layout.encoder.schema, layout.label
    labels = _labels(table, schema, label)
    if len(labels) < LEAST_ROWS and layout is None:
        raise UsageError(f"{table.name}: a model is fitted to at least {LEAST_ROWS} rows, got {len(labels)}")
    train, test = split(labels, held_out, seed)
    if not len(test):
        raise UsageError(
            f"{table.name}: a held-out share of {held_out:g} leaves none of {len(labels):,} rows to evaluate on; give "
            "more rows"
        )
    if layout is None:
        layout, more = fitted_layout(table, schema, label, rows=train, grey=grey)
        notes = (*notes, *more)
    values = encoded_rows(layout, table)[0]
    return LabelledRows(layout, values[train], labels[train], values[test], labels[test], notes)


def fitted_layout(
    table: AbstractTable, schema: Schema, label: str | None, *, rows: np.ndarray, grey: float | None = None
) -> tuple[RowLayout, tuple[str, ...]]:
    """The layout of the rows of a table, fitted on some of them in float64.

    **Arguments:**

    - `table`: that is read.
    - `schema`: of it, from `row_schema`.
    - `label`: the name of the class.
    - `rows`: ascending numbers of those to fit on.
    - `grey`: as in `labelled_rows`.

    **Returns:** the layout, without columns that never change in these rows, and sentences on those.

    **Raises:** `UsageError` where no column is left, and for grey levels outside 0 to `grey`.
    """
    values, mask = _raw(table, schema)
    values, mask = values[rows], mask[rows]
    still = [
        column.name
        for place, column in enumerate(schema.modelled)
        if column.name != label and len(np.unique(values[mask[:, place], place])) < 2
    ]
    kept = [column for column in schema.modelled if column.name not in still and column.name != label]
    notes = (f"Left out, as they never change in training: {shown(listed(still), 400)}.",) if still else ()
    if not kept:
        raise UsageError(f"{table.name}: no column changes in the {len(rows):,} rows of the training")
    roles = [dataclasses.replace(c, role="ignored") if c.name in still else c for c in schema.columns]
    schema = dataclasses.replace(schema, columns=tuple(roles))
    bounds = np.flatnonzero(np.diff(rows, prepend=-2, append=-2) != 1)
    stretches = [(int(rows[a]), int(rows[b - 1]) + 1) for a, b in itertools.pairwise(bounds)]
    scales = fit_scales(table, schema, stretches)
    if grey is not None:
        _check_grey(table, schema, label, grey)
        names = [c.name for c in kept if block_kind(c.kind, grey) == "grey"]
        scales = Scales(
            {**scales.centre, **dict.fromkeys(names, 0.0)}, {**scales.scale, **dict.fromkeys(names, grey)}, scales.rows
        )
    layout = RowLayout(Encoder(schema, scales), label, grey)
    seen = encoded_rows(layout, table)[0][rows].astype(np.float64)
    first, rates, spreads = 0, [], []
    for kind, _, size in layout.blocks:
        if kind == "count":
            counts = seen[:, first : first + size]
            rates = (np.nansum(counts, axis=0) + 0.5) / (np.sum(~np.isnan(counts), axis=0) + 1)
            spreads = np.maximum(np.nanstd(np.sqrt(counts), axis=0), LEAST_SPREAD)
        first += size
    centre = np.nanmean(seen, axis=0)
    numbers = (tuple(map(float, values)) for values in (centre, rates, spreads))
    return dataclasses.replace(layout, **dict(zip(("centre", "rates", "spreads"), numbers, strict=True))), notes


def encoded_rows(layout: RowLayout, table: AbstractTable) -> tuple[np.ndarray, np.ndarray]:
    """All rows of a table as the model sees them, and their classes.

    **Arguments:**

    - `layout`: of the training.
    - `table`: with its columns, in any order; the class may be absent.

    **Raises:** `UsageError`, as `Encoder.encode`, and for no rows.
    """
    parts = [(layout.values(each, table), layout.labels(each)) for each in layout.encoder.encode(table)]
    if not parts:
        raise UsageError(f"{table.name}: there are no rows")
    values, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    if values.shape[1] > MOST_VALUES:
        raise UsageError(f"{table.name}: a row has {values.shape[1]:,} values, at most {MOST_VALUES:,} are learned")
    return values, labels


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), -1) if array.ndim > 2 else array


def _raw(table: AbstractTable, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    parts = [(each.values, each.mask) for each in raw_rows(table, schema)]
    if not parts:
        raise UsageError(f"{table.name}: there are no rows")
    values, mask = (np.concatenate(part) for part in zip(*parts, strict=True))
    return values, mask


def _labels(table: AbstractTable, schema: Schema, label: str | None) -> np.ndarray:
    values, mask = _raw(table, schema)
    if label is None:
        return np.full(len(values), -1, np.int32)
    place = [column.name for column in schema.modelled].index(label)
    return np.where(mask[:, place], values[:, place], -1).astype(np.int32)


def _check_grey(table: AbstractTable, schema: Schema, label: str | None, grey: float) -> None:
    for column in schema.modelled:
        if column.name == label or block_kind(column.kind, grey) != "grey":
            continue
        low, high = column.low or 0.0, column.high or 0.0
        if low < 0 or high > grey:
            raise UsageError(
                f"{table.name}: grey levels must be in 0..{grey:g}, and column '{column.name}' is in {low:g}..{high:g}"
            )
