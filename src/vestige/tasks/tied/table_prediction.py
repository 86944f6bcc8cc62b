"""Tables as a trained pair predicts them: classes, their probabilities, how probable a row is, and how rare."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vestige.data.labelled_rows import table_of
from vestige.data.row_layout import RowLayout
from vestige.data.tables import Cells
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.writing import numbers
from vestige.models.tied import Net
from vestige.tasks.order_statistics import Sorted
from vestige.tasks.predictions import INTERVAL, AbstractPredictor, AbstractSurprises
from vestige.tasks.step_predictions import put
from vestige.tasks.stepwise import surprise_share
from vestige.tasks.tied.row_answers import class_probabilities, log_densities
from vestige.tasks.tied.row_tally import PredictedRows, RowSummary, RowTally
from vestige.tasks.tied.table_completion import TableCompletions

METHOD = (
    "Classes by the recognition network; where values of a row are missing, the mean of what it says of the values "
    "that may be missing, drawn from the generation network given the others. log_density by importance sampling, of "
    "the values that are there, in the units of the table."
)


class TablePredictions(AbstractSurprises[PredictedRows]):
    """The predicted rows of a table.

    **Arguments:**

    - `layout`, `net`: of the training.
    - `held_out`: the surprises of its held-out rows.
    - `source`: what `vestige.data.open` reads.
    - `options`: how a file is read.

    **Raises:** `UsageError` for columns that are absent.
    """

    def __init__(self, layout: RowLayout, net: Net, held_out: Sorted, source: Any, options: ReadOptions | None):
        self.layout, self._net, self._held_out = layout, net, held_out
        self.table = table_of(source, options or ReadOptions())
        self._rows = layout.encoder.encode(self.table)
        self._tally = RowTally()

    def __iter__(self) -> Iterator[PredictedRows]:
        for encoded in self._rows:
            values = self.layout.values(encoded, self.table)
            probabilities = np.zeros((len(values), 0))
            if self.layout.label is not None:
                probabilities = class_probabilities(self._net, values, first=encoded.start)
            surprise, share = surprises(self._net, values, first=encoded.start)
            log_density = self.layout.log_units(values) - np.nan_to_num(surprise)
            labels = self.layout.labels(encoded)
            found = PredictedRows(encoded.start, probabilities, log_density, labels, surprise, share)
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

    def tail(self, chunk: PredictedRows) -> np.ndarray:
        return self._held_out.tail(chunk.surprise * chunk.share)

    @property
    def least_tail(self) -> float:
        return self._held_out.least_tail

    def counted(self) -> tuple[int, int, float]:
        found = self.summary()
        return found.count, found.missing, found.mean_surprise

    @property
    def notices(self) -> list[str]:
        """What a reader should know of the table."""
        return list(self.table.notes)

    def summary(self) -> RowSummary:
        """How good the predictions were that were iterated over."""
        return self._tally.summary()


def surprises(net: Net, values: np.ndarray, *, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """How surprising rows are.

    **Arguments:**

    - `net`: trained.
    - `values`: rows as the model sees them, NaN where missing.
    - `first`: the number of the first row, which numbers the noise of importance sampling.

    **Returns:** (rows,) -log p in nats of the values that are there, NaN where none is; (rows,) by which it is
    multiplied before it is compared with that of other rows: all values over those that are there.
    """
    share = surprise_share(values)
    return np.where(np.isnan(share), np.nan, -log_densities(net, values, first=first)), share


def held_out_surprises(net: Net, values: np.ndarray) -> Sorted:
    """What `score` compares with.

    **Arguments:**

    - `net`: trained.
    - `values`: held-out rows, as in `surprises`.

    **Raises:** `UsageError` where none has a value.
    """
    surprise, share = surprises(net, values)
    return Sorted.of((surprise * share)[:, None])


class TablePredictor(AbstractPredictor):
    """A trained pair that predicts rows.

    **Arguments:**

    - `layout`, `net`: of the training.
    - `held_out`: the surprises of its held-out rows.
    """

    def __init__(self, layout: RowLayout, net: Net, held_out: Sorted):
        self.layout, self.net, self.held_out = layout, net, held_out

    def predictions(
        self, source: Any, *, options: ReadOptions | None = None, interval: float = INTERVAL
    ) -> TablePredictions:
        """As the contract says; classes and densities have no interval."""
        return TablePredictions(self.layout, self.net, self.held_out, source, options)

    def completions(
        self, source: Any, *, samples: int, seed: int, options: ReadOptions | None = None
    ) -> TableCompletions:
        """As `CompletesTables` says."""
        return TableCompletions(self.layout, self.net, source, samples=samples, seed=seed, options=options)
