"""Tables as a trained pair predicts them: classes, their probabilities, and how probable a row is."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vestige.data.labelled_rows import table_of
from vestige.data.row_layout import RowLayout
from vestige.data.tables import Cells
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.writing import numbers
from vestige.models.tied import Net
from vestige.tasks.predictions import INTERVAL, AbstractPredictions, AbstractPredictor
from vestige.tasks.step_predictions import put
from vestige.tasks.tied.row_answers import class_probabilities, log_densities
from vestige.tasks.tied.row_tally import PredictedRows, RowSummary, RowTally
from vestige.tasks.tied.table_completion import TableCompletions

METHOD = (
    "Classes by the recognition network; where values of a row are missing, the mean of what it says of the values "
    "that may be missing, drawn from the generation network given the others. log_density by importance sampling, of "
    "the values that are there, in the units of the table."
)


class TablePredictions(AbstractPredictions[PredictedRows]):
    """The predicted rows of a table.

    **Arguments:**

    - `layout`, `net`: of the training.
    - `source`: what `vestige.data.open` reads.
    - `options`: how a file is read.

    **Raises:** `UsageError` for columns that are absent.
    """

    def __init__(self, layout: RowLayout, net: Net, source: Any, options: ReadOptions | None):
        self.layout, self._net = layout, net
        self.table = table_of(source, options or ReadOptions())
        self._rows = layout.encoder.encode(self.table)
        self._tally = RowTally()

    def __iter__(self) -> Iterator[PredictedRows]:
        for encoded in self._rows:
            values = self.layout.values(encoded, self.table)
            probabilities = np.zeros((len(values), 0))
            if self.layout.label is not None:
                probabilities = class_probabilities(self._net, values, first=encoded.start)
            log_density = log_densities(self._net, values, first=encoded.start) + self.layout.log_units(values)
            found = PredictedRows(encoded.start, probabilities, log_density, self.layout.labels(encoded))
            self._tally.add(found)
            yield found

    def columns(self, chunk: PredictedRows) -> dict[str, Cells]:
        """The row (counted from 1), the class, the probability of each, and the log-density."""
        count = len(chunk.log_density)
        none = np.zeros(count, bool)
        found = {"row": Cells(np.arange(chunk.start + 1, chunk.start + count + 1), none)}
        if self.layout.label is not None:
            names = np.array(self.layout.classes, object)
            put(found, f"{self.layout.label}.predicted", Cells(names[chunk.probabilities.argmax(axis=1)], none))
            for place, name in enumerate(self.layout.classes):
                column = numbers(np.ascontiguousarray(chunk.probabilities[:, place]))
                put(found, f"{self.layout.label}.p({name})", column)
        put(found, "log_density", numbers(chunk.log_density))
        return found

    def said(self) -> dict[str, Any]:
        """What the columns are, and how they were made."""
        label = (
            {}
            if self.layout.label is None
            else {
                f"{self.layout.label}.predicted": "the most probable class",
                f"{self.layout.label}.p(CLASS)": "the probability of each class",
            }
        )
        density = "log p of the values of the row, in nats, of numbers in the units of the table"
        return {"columns": {**label, "log_density": density}, "method": METHOD}

    @property
    def notices(self) -> list[str]:
        """What a reader should know of the table."""
        return list(self.table.notes)

    def summary(self) -> RowSummary:
        """How good the predictions were that were iterated over."""
        return self._tally.summary()


class TablePredictor(AbstractPredictor):
    """A trained pair that predicts rows.

    **Arguments:** `layout`, `net`: of the training.
    """

    def __init__(self, layout: RowLayout, net: Net):
        self.layout, self.net = layout, net

    def predictions(
        self, source: Any, *, options: ReadOptions | None = None, interval: float = INTERVAL
    ) -> TablePredictions:
        """As the contract says; classes and densities have no interval."""
        return TablePredictions(self.layout, self.net, source, options)

    def completions(
        self, source: Any, *, samples: int, seed: int, options: ReadOptions | None = None
    ) -> TableCompletions:
        """As `CompletesTables` says."""
        return TableCompletions(self.layout, self.net, source, samples=samples, seed=seed, options=options)
