"""Tables as a trained pair fills them in, row by row."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vestige.data.labelled_rows import table_of
from vestige.data.row_layout import RowLayout
from vestige.data.tables import Cells
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.writing import numbers
from vestige.models.tied import Net
from vestige.tasks.completions import AbstractCompletions, FilledBatch, check_whole, with_filled
from vestige.tasks.step_predictions import put
from vestige.tasks.tied.row_answers import class_probabilities, completions

ROWS = 1024
METHOD = (
    "A value that is filled in is its expected value given what is there in its row, low and high are quantiles of "
    "samples; of classes, the most probable one. By importance sampling from the recognition network, missing values "
    "integrated out. They are the model's own and not calibrated."
)


class TableCompletions(AbstractCompletions):
    """A table whose missing values are filled in.

    **Arguments:**

    - `layout`, `net`: of the training.
    - `source`: what `vestige.data.open` reads.
    - `samples`, `seed`: of what is missing.
    - `options`: how a file is read.

    **Raises:** `UsageError` for numbers that cannot be, and columns that are absent.
    """

    def __init__(
        self,
        layout: RowLayout,
        net: Net,
        source: Any,
        *,
        samples: int,
        seed: int,
        options: ReadOptions | None = None,
    ):
        check_whole(particles=(samples, 2, 2**16), seed=(seed, 0, 2**32 - 1))
        self._layout, self._net, self._samples, self._seed = layout, net, samples, seed
        self.table = table_of(source, options or ReadOptions())
        label = [layout.label] if layout.label in self.table.names else []
        self.channels = (*(column.name for column in layout.columns), *label)
        self._encoded = layout.encoder.encode(self.table, size=ROWS)

    def batches(self, levels: tuple[float, float]) -> Iterator[FilledBatch]:
        for batch, encoded in zip(self.table.batches(size=ROWS), self._encoded, strict=True):
            values = self._layout.values(encoded, self.table)
            found, gone = dict(batch.cells), np.zeros((batch.rows, len(self.channels)), bool)
            mean, low, high = self._filled(values, batch.start, levels)
            ends: dict[str, Cells] = {}
            for place, column in enumerate(self._layout.columns):
                name, lacks = column.name, batch.cells[column.name].missing
                gone[:, place] = lacks
                if column.kind == "class":
                    found[name] = _named(found[name], mean[name], lacks)
                    continue
                found[name] = with_filled(found[name], mean[name], lacks, self.table.decimal)
                for end, side in (("low", low), ("high", high)):
                    ends[f"{name}.{end}"] = numbers(np.where(lacks, side[name], np.nan))
            if (label := self._layout.label) in self.channels:
                gone[:, -1] = batch.cells[label].missing
                found[label] = self._classed(found[label], values, batch.start)
            for name, cells in ends.items():
                put(found, name, cells)
            yield FilledBatch(found, gone)

    def said(self) -> dict[str, Any]:
        """The options, and how values were filled in."""
        return {"options": {"particles": self._samples, "seed": self._seed}, "method": METHOD}

    @property
    def notices(self) -> list[str]:
        return list(self.table.notes)

    def _filled(self, values: np.ndarray, start: int, levels: tuple[float, float]) -> list[dict[str, np.ndarray]]:
        """Columns of expected values and of the ends of intervals, in the units of the table."""
        rows = np.isnan(values).any(axis=1)
        three = [np.nan_to_num(values) for _ in range(3)]
        if rows.any():
            mean, draws = completions(
                self._net, values[rows], draws=self._samples, samples=self._samples, seed=self._seed, first=start
            )
            for whole, part in zip(three, (mean, *np.quantile(draws, levels, axis=0)), strict=True):
                whole[rows] = part
        return [self._layout.decoded(whole) for whole in three]

    def _classed(self, cells: Cells, values: np.ndarray, start: int) -> Cells:
        if not cells.missing.any():
            return cells
        chosen = class_probabilities(self._net, values[cells.missing], first=start).argmax(axis=1)
        names = np.empty(len(values), object)
        names[cells.missing] = np.array(self._layout.classes, object)[chosen]
        return _named(cells, names, cells.missing)


def _named(cells: Cells, names: np.ndarray, gone: np.ndarray) -> Cells:
    """A column with names of classes in place of what is missing; a column of numbers keeps its type."""
    if not gone.any():
        return cells
    values = cells.values.copy()
    if values.dtype.kind in "OU":
        values = values.astype(object)
        values[gone] = names[gone]
    else:
        values[gone] = [float(name) for name in names[gone]]
    return Cells(values, cells.missing & ~gone)
