"""Spike times as counts in bins."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.data.tables.contract import READ_CELLS, AbstractTable, Field
from vestige.data.tables.options import ReadOptions, named_arrays
from vestige.data.tables.sliced import SlicedTable
from vestige.data.tables.sniffing import form_of
from vestige.data.tables.text_numbers import numbers
from vestige.errors import UsageError, listed, shown

TIMES = ("spike_time", "spike_times", "time", "times", "timestamp", "t")
UNITS = ("spike_unit", "spike_units", "unit", "units", "neuron", "cell", "cluster", "spike_cluster", "spike_clusters")
MOST_UNITS = 2**14

Pair = tuple[np.ndarray, np.ndarray]


def bin_spikes(table: AbstractTable, options: ReadOptions) -> SlicedTable:
    """Counts of spikes in bins of equal width, a column for each unit.

    Two passes over the table; memory in proportion to bins times units. A spike on the edge of two bins belongs to the
    later one. The first bin begins at the largest multiple of the width that is not after the first spike.

    **Arguments:**

    - `table`: a row for each spike, in any order, with its time and its unit; without a column of units all are of one.
    - `options`: `bin_width`, and the names of the two columns where they do not say so themselves.

    **Returns:** a table with the column `time` (the beginning of each bin) and `unit_NAME` for each unit.

    **Raises:** `UsageError` where no column is that of times, where a time is missing or no number, with its row, and
    where the counts would not fit into memory.
    """
    time, unit = _columns(table, options)
    assert options.bin_width is not None

    def pairs() -> Iterable[Pair]:
        for batch in table.batches([time] if unit is None else [time, unit]):
            found = numbers(batch.cells[time], table.decimal)
            bad = found.faults | found.missing
            if bad.any():
                row = int(np.argmax(bad))
                raise UsageError(
                    f"{table.name}: column '{time}', {table.place(batch.start + row)}: a time of a spike must be a "
                    f"number, got '{shown(batch.cells[time].values[row])}'"
                )
            if unit is None:
                yield found.values, np.full(len(found.values), "all", object)
                continue
            cells = batch.cells[unit]
            if cells.missing.any():
                row = int(np.argmax(cells.missing))
                raise UsageError(f"{table.name}: column '{unit}', {table.place(batch.start + row)}: no unit is named")
            yield found.values, cells.values

    return _counted(table.name, pairs, options.bin_width, table.field(time).unit)


def spike_trains(source: str | Path | Mapping[Any, Any], options: ReadOptions) -> SlicedTable | None:
    """Counts of spikes of arrays of times, one for each unit.

    **Arguments:**

    - `source`: an `.npz` file or a dictionary of arrays.
    - `options`: `bin_width`, and `arrays`: those that are units; None: all.

    **Returns:** the counts; None where the source is something else, such as a table with a row for each spike.

    **Raises:** `UsageError` where a time is NaN or infinite, and where the counts would not fit into memory.
    """
    if isinstance(source, Mapping):
        arrays, name = {str(key): np.asarray(values) for key, values in source.items()}, "dictionary"
    else:
        path, name = Path(source), str(source)
        if path.is_dir() or form_of(path) != "npz":
            return None
        arrays = gate.read_npz(path)
    if chosen := named_arrays(options.arrays):
        arrays = {name: arrays[array] for name, array in chosen.items() if array in arrays}
        if len(arrays) < len(chosen):
            return None  # as a table it is refused, with the arrays that there are
    named = {key.lower() for key in (*arrays, *filter(None, (options.spike_time, options.spike_unit)))}
    if not arrays or named & {*TIMES, *UNITS} or any(a.ndim != 1 or a.dtype.kind not in "fiu" for a in arrays.values()):
        return None
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array)))
            raise UsageError(f"{name}: array '{shown(key)}', row {row + 1:,}: a time of a spike must be finite")
    assert options.bin_width is not None
    pairs = lambda: [(array.astype(np.float64), np.full(len(array), key, object)) for key, array in arrays.items()]
    return _counted(name, pairs, options.bin_width, None, list(arrays))


def _columns(table: AbstractTable, options: ReadOptions) -> tuple[str, str | None]:
    lower = {name.lower(): name for name in reversed(table.names)}
    time = options.spike_time or next((lower[name] for name in TIMES if name in lower), None)
    unit = options.spike_unit or next((lower[name] for name in UNITS if name in lower), None)
    if time is None:
        raise UsageError(
            f"{table.name}: no column says that it holds times of spikes (spike_time, time); name it with "
            f"--spike-time. Columns: {listed(table.names)}"
        )
    table.field(time)
    if unit is not None:
        table.field(unit)
    return time, unit


def _counted(name: str, pairs: Any, width: float, time_unit: str | None, units: list[str] | None = None) -> SlicedTable:
    first, last, known = np.inf, -np.inf, dict.fromkeys(units or [])
    for times, of in pairs():
        if len(times):
            first, last = min(first, float(times.min())), max(last, float(times.max()))
        known |= dict.fromkeys(np.unique(of).tolist())
        if len(known) > MOST_UNITS:
            raise UsageError(f"{name}: more than {MOST_UNITS:,} units; is the column of units that of something else?")
    if not np.isfinite(first):
        raise UsageError(f"{name}: it holds no spike")
    origin = int(np.floor(first / width))
    bins = int(np.floor(last / width)) - origin + 1
    order = list(known) if units is not None else sorted(known, key=lambda key: (isinstance(key, str), _natural(key)))
    if bins * len(order) > READ_CELLS:
        raise UsageError(
            f"{name}: {bins:,} bins of {width:g} for {len(order):,} units are more than {READ_CELLS:,} counts; choose "
            "a larger --bin-width, or cut the recording"
        )
    places = {unit: place for place, unit in enumerate(order)}
    counts = np.zeros((bins, len(order)), np.int32)
    for times, of in pairs():
        at = np.floor(times / width).astype(np.int64) - origin
        labels, inverse = np.unique(of, return_inverse=True)
        column = np.array([places[label] for label in labels.tolist()], np.int64)[inverse]
        np.add.at(counts, (at, column), 1)
    begins = (origin + np.arange(bins)) * width
    columns = {"time": begins} | {f"unit_{unit}": counts[:, place] for unit, place in places.items()}
    fields = [Field("time", "float64", time_unit)] + [Field(key, "int32", "spikes") for key in list(columns)[1:]]
    cut = lambda start, stop, names: {key: columns[key][start:stop] for key in names}
    note = f"{int(counts.sum()):,} spikes of {len(order):,} units in {bins:,} bins of {width:g}."
    return SlicedTable(name, fields, bins, cut, notes=(note,))


def _natural(key: Any) -> Any:
    """Numbers in texts in the order of numbers."""
    text = str(key)
    return (0, float(text), text) if text.replace(".", "", 1).isdigit() else (1, 0.0, text)
