"""A table whose missing values are filled in by the model of a run."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vestige import gate
from vestige.data.tables import AbstractTable
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.writing import TableWriter, array_writer, numbers, table_writer
from vestige.errors import UsageError
from vestige.runs.hidden_values import Widths, widths
from vestige.runs.predicting import card_of, check_out
from vestige.storage.durable import write_text
from vestige.storage.results import finite
from vestige.tasks.completions import (
    AbstractCompletions,
    CompletedRows,
    FilledBatch,
    Wanted,
    check_whole,
    with_filled,
)
from vestige.tasks.step_predictions import put
from vestige.tasks.stepwise import AbstractStepPredictor
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

INTERVAL, PARTICLES, LAG, SEED = 0.9, 200, 2, 0
NPY = ".npy"
MOST = 2**22
"""Samples times channels, of one row."""
METHOD = (
    "A particle filter: each sample is drawn from the model given what is there in its row and in those before, and "
    "weighted by how probable it makes what comes in the next {lag:,} rows. A value that is filled in is the weighted "
    "mean, low and high the weighted quantiles of the samples."
)


class Completed(AbstractCompletions):
    """The rows of a table, filled in as they are iterated over, once.

    **Arguments:**

    - `predictor`: the trained model.
    - `source`: what `vestige.data.open` reads.
    - `particles`, `lag`, `seed`: samples, further rows of which each knows, and their seed.
    - `options`: how a file is read.

    **Raises:** `UsageError` for numbers that cannot be, columns that are absent, and a model that cannot.
    """

    def __init__(
        self,
        predictor: AbstractStepPredictor,
        source: Any,
        *,
        particles: int = PARTICLES,
        lag: int = LAG,
        seed: int = SEED,
        options: ReadOptions | None = None,
    ):
        check_whole(particles=(particles, 2, 2**20), lag=(lag, 0, 2**16), seed=(seed, 0, 2**32 - 1))
        self.wanted = Wanted(particles, lag, seed)
        self._predictor, self._completer = predictor, predictor.completer()
        self.table = predictor.opened(source, options)
        self._widths: Widths | None = None
        self._interval = INTERVAL
        self.channels = predictor.channels
        if (cells := particles * (1 + lag) * len(self.channels)) > MOST:
            raise UsageError(
                f"{particles:,} samples of {len(self.channels):,} channels in {1 + lag:,} rows are {cells:,} numbers, "
                f"at most {MOST:,} are kept; choose fewer --particles or a smaller --lag"
            )

    def __iter__(self) -> Iterator[CompletedRows]:
        yield from self._completer.completed(self.table, self.wanted)

    def batches(self, levels: tuple[float, float]) -> Iterator[FilledBatch]:
        """As the contract says."""
        self._interval = levels[1] - levels[0]
        self._widths = widths(self._completer, self.table, self.channels, self.wanted, self._interval)
        fills = _Fills(self, levels)
        for batch in self.table.batches():
            mean, low, high, gone = fills.take(batch.rows)
            low, high = self._widths.apply(mean, low, high)
            found = dict(batch.cells)
            for place, name in enumerate(self.channels):
                found[name] = with_filled(found[name], mean[:, place], gone[:, place], self.table.decimal)
            for place, name in enumerate(self.channels):
                put(found, f"{name}.low", numbers(np.ascontiguousarray(low[:, place])))
                put(found, f"{name}.high", numbers(np.ascontiguousarray(high[:, place])))
            yield FilledBatch(found, gone)

    def said(self) -> dict[str, Any]:
        """The options, and how values were filled in."""
        method = METHOD.format(lag=self.wanted.lag)
        if self._widths is None:
            return {"options": self.wanted._asdict(), "method": method}
        each = zip(self.channels, self._widths.factors.tolist(), self._widths.own.tolist(), strict=True)
        return {
            "options": self.wanted._asdict(),
            "method": f"{method} {self._widths.sentence(self._interval)}",
            "intervals": {name: {"wider": wider, "own_coverage": own} for name, wider, own in each},
        }

    @property
    def notices(self) -> list[str]:
        """What a reader should know of the table."""
        return self._predictor.notices


class CompleteSummary(NamedTuple):
    """What was filled in: rows of the table, values that were missing, and how many of each channel."""

    rows: int
    filled: int
    channels: dict[str, int]

    def sentence(self) -> str:
        """How many, of how many."""
        values = self.rows * len(self.channels)
        return f"{self.filled:,} of {values:,} values in {self.rows:,} rows are filled in."


def write_completed(
    completed: AbstractCompletions, out: Path, *, run: "Restored", interval: float = INTERVAL, force: bool = False
) -> CompleteSummary:
    """Write a table whose missing values are filled in; beside it a card that says how.

    All that is there stays as it is, to the digit. Two passes over the table; each file is written whole or not at all.

    **Arguments:**

    - `completed`: not yet iterated over.
    - `out`: `.csv`, `.tsv` or `.parquet`; of an array or a film in an `.npy` file also `.npy`, an array of the same
      shape without intervals.
    - `run`: whose model it is, for the card.
    - `interval`: the share of samples between the ends of an interval, in (0, 1).
    - `force`: replace a file that exists.

    **Returns:** how much was filled in.

    **Raises:** `UsageError` where the file exists or is the table itself, and for an interval that cannot be;
    `RunError` where samples diverge, and where it cannot be written.
    """
    if not 0 < interval < 1:
        raise UsageError(f"interval must be in (0, 1), such as 0.9, got {interval:g}")
    table = completed.table
    check_out(out, table.name, force=force, also=array_suffixes(table.name))
    levels = (0.5 - interval / 2, 0.5 + interval / 2)
    counts, rows = np.zeros(len(completed.channels), int), 0
    with _writer(out, table) as writer:
        for batch in completed.batches(levels):
            rows, counts = rows + len(batch.gone), counts + batch.gone.sum(axis=0)
            writer.write(batch.columns)
    each = dict(zip(completed.channels, counts.tolist(), strict=True))
    summary = CompleteSummary(rows, int(counts.sum()), each)
    card = {
        "completed": out.name,
        "run": str(run.folder.absolute()),
        "update": run.step,
        "table": table.name,
        "vestige": __version__,
        "columns": {
            "those of the table": "as they are, and the expected value where one is missing, in units of the table",
            "NAME.low, NAME.high": f"the ends of its interval of {interval:.6g}; empty where a value was there",
        },
        **completed.said(),
        "notices": completed.notices,
        "summary": {**summary._asdict(), "sentence": summary.sentence()},
    }
    write_text(card_of(out), json.dumps(finite(card), indent=1, ensure_ascii=False) + "\n")
    return summary


def array_suffixes(source: str) -> tuple[str, ...]:
    """With which a table that is filled in may be written as an array: where it is from one.

    **Arguments:** `source`: the path of the table.
    """
    return (NPY,) if Path(source).suffix == NPY else ()


def _writer(out: Path, table: AbstractTable) -> AbstractContextManager[TableWriter]:
    if out.suffix.lower() != NPY:
        return table_writer(out)
    with gate.open_npy(Path(table.name)) as (_, header):
        return array_writer(out, header.shape, table.names)


class _Fills:
    """Hands out what is filled in by as many rows as are wanted."""

    def __init__(self, completed: Completed, levels: tuple[float, float]):
        self._rows, self._levels, self._held = iter(completed), levels, None

    def take(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        held = [] if self._held is None else [self._held]
        while sum(len(each[0]) for each in held) < count:
            rows = next(self._rows)
            held.append((rows.filled(), *rows.quantiles(self._levels), rows.gone))
        joined = [np.concatenate(parts) for parts in zip(*held, strict=True)]
        self._held = tuple(part[count:] for part in joined)
        mean, low, high, gone = (part[:count] for part in joined)
        return mean, low, high, gone.astype(bool)
