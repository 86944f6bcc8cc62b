"""Forecasts by the model of a run, of the steps after the end of a table."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vestige.data.tables import Cells
from vestige.data.tables.continuing import Continued, continued
from vestige.data.tables.options import ReadOptions, words
from vestige.data.tables.writing import numbers, table_writer
from vestige.errors import UsageError, listed, nearest
from vestige.runs.back_test import MOST_KEPT, BackTest, Record, Shifts, back_test_rows
from vestige.runs.predicting import card_of, check_out
from vestige.storage.durable import write_text
from vestige.storage.results import finite
from vestige.tasks.forecasts import HISTORY, Ask, Forecast
from vestige.tasks.step_predictions import put
from vestige.tasks.stepwise import AbstractStepPredictor
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

QUANTILES = (0.05, 0.5, 0.95)
PATHS = 200
MOST = 2**27
"""Numbers of all paths together."""
METHOD = (
    "Paths are drawn from the model: a step from its predictive distribution, which is fed back for the next. "
    "Quantiles are those of the paths at each step, one step and channel at a time."
)
CALIBRATED = (
    " Each pair of them that lies alike on both sides of the median is then moved apart, or together, one step and "
    "channel at a time, by the quantile of the errors from {origins:,} rows of the table (conformalised quantile "
    "regression), which takes the future for like these rows; those overlap and are not independent, so that no share "
    "is guaranteed."
)
NOT_CALIBRATED = " They are the model's own: they cover as much as they say only as far as the model is right."


class ForecastOptions(NamedTuple):
    """What is to be forecast, and how.

    - `horizon`: steps.
    - `quantiles`: levels in (0, 1), rising; at least one.
    - `paths`: samples, at least 2.
    - `seed`: of the samples.
    - `origins`, `every`: a back-test from so many rows, or from one in so many; None for none.
    - `season`: steps of a season, for the back-test; 0: none; None: as the times suggest.
    """

    horizon: int
    quantiles: tuple[float, ...] = QUANTILES
    paths: int = PATHS
    seed: int = 0
    origins: int | None = None
    every: int | None = None
    season: int | None = None

    def check(self) -> None:
        """**Raises:** `UsageError` for what cannot be, by its name."""
        least = {"horizon": 1, "paths": 2, "origins": 1, "every": 1, "season": 0, "seed": 0}
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | np.integer) and value >= lowest):
                raise UsageError(f"{name} must be a whole number, at least {lowest}, got {value}")
        if self.seed >= 2**32:
            raise UsageError(f"seed must be below 2^32, got {self.seed}")
        levels = self.quantiles
        if not levels or not all(0 < level < 1 for level in levels) or list(levels) != sorted(set(levels)):
            said = ",".join(f"{level:g}" for level in levels)
            raise UsageError(f"quantiles must rise within (0, 1), such as 0.05,0.5,0.95, got {said or 'none'}")
        if self.origins is not None and self.every is not None:
            raise UsageError("origins and every both say from which rows a back-test starts; give one of them")


class Ahead(NamedTuple):
    """The steps after the end of a document, in units of the table.

    - `document`: its name, at each step; None where the table has no such column.
    - `row`: the number of its last row, counted from 1.
    - `times`: the times of the steps, missing where they cannot be continued; None where the table has none.
    - `mean`: (steps, p) float64, of the paths.
    - `quantiles`: (quantiles, steps, p) float64, calibrated where a back-test was made.
    - `paths`: (paths, steps, p) float64, samples as the model draws them.
    """

    document: Cells | None
    row: int
    times: Cells | None
    mean: np.ndarray
    quantiles: np.ndarray
    paths: np.ndarray


class Forecasts:
    """The steps after the end of each document of a table, made as they are iterated over.

    **Arguments:**

    - `predictor`: the trained model.
    - `source`: what `vestige.data.open` reads.
    - `wanted`: what is to be forecast.
    - `held_out`: the share at the end of each document in which a back-test lies; None: anywhere.
    - `options`: how a file is read.

    **Raises:** `UsageError` for options that cannot be, for columns that are absent, and, where a back-test is made,
    as it is iterated over.
    """

    def __init__(
        self,
        predictor: AbstractStepPredictor,
        source: Any,
        wanted: ForecastOptions,
        *,
        held_out: float | None = None,
        options: ReadOptions | None = None,
    ):
        wanted.check()
        self.wanted, self._predictor = wanted, predictor
        self.table = predictor.opened(source, options)
        self.channels = predictor.channels
        if (cells := wanted.paths * wanted.horizon * len(self.channels)) > MOST:
            raise UsageError(
                f"{wanted.paths:,} paths of {wanted.horizon:,} steps of {len(self.channels):,} channels are {cells:,} "
                f"numbers, at most {MOST:,} fit; choose fewer paths or a smaller horizon"
            )
        self._forecaster = predictor.forecaster()
        self.passed_on = self._forecaster.passed_on(self.table)
        self._documents = self._forecaster.documents(self.table)
        self._notices: list[str] = []
        self._shifts: Shifts | None = None
        self.back_test: BackTest | None = None
        if wanted.origins is not None or wanted.every is not None:
            self._compare(held_out)

    @property
    def notices(self) -> list[str]:
        """What a reader should know of the table and of the forecasts; complete when all were iterated over."""
        return list(dict.fromkeys([*self._predictor.notices, *self._notices]))

    @property
    def calibrated(self) -> bool:
        """Whether quantiles are calibrated on a back-test."""
        return self._shifts is not None

    def method(self) -> str:
        """How quantiles are made, and whether they are calibrated."""
        if self._shifts is None or self.back_test is None:
            return METHOD + NOT_CALIBRATED
        return METHOD + CALIBRATED.format(origins=self.back_test.origins)

    def __iter__(self) -> Iterator[Ahead]:
        ends = np.array([end - 1 for _, end in self._documents])
        found = 0
        for each in self._forecaster.forecasts(self.table, ends, self._ask(None), ahead=False):
            found += 1
            yield self._ahead(each)
        if not found:
            raise UsageError(f"{self.table.name}: no row holds a value; there is nothing to go on from")
        if found < len(ends):
            self._note(f"{len(ends) - found:,} documents hold no value, and have no forecast")

    def _ahead(self, forecast: Forecast) -> Ahead:
        quantiles = self._quantiles(forecast)
        if self._shifts is not None:
            quantiles = self._shifts.moved(quantiles, self._forecaster.support)
        time, document = self.passed_on
        return Ahead(
            None if document is None else _repeated(forecast.passed[document], self.wanted.horizon),
            forecast.row + 1,
            None if time is None else self._times(forecast.passed[time]),
            forecast.mean,
            quantiles,
            forecast.paths,
        )

    def _times(self, cells: Cells) -> Cells:
        found = self._continued(cells)
        if found.cells is not None:
            return found.cells
        self._note(f"times are not continued: {found.reason}")
        steps = self.wanted.horizon
        return Cells(np.zeros(steps, cells.values.dtype), np.ones(steps, bool))

    def _quantiles(self, forecast: Forecast) -> np.ndarray:
        return np.quantile(forecast.paths, self.wanted.quantiles, axis=0)

    def _ask(self, season: int | None) -> Ask:
        return Ask(self.wanted.horizon, self.wanted.paths, self.wanted.seed, season)

    def _continued(self, cells: Cells) -> Continued:
        return continued(cells, self.wanted.horizon, self.table.decimal)

    def _season(self) -> int | None:
        """As wanted, or as the first times suggest."""
        if self.wanted.season is not None:
            return self.wanted.season or None
        if (time := self.passed_on.time) is None:
            return None
        return self._continued(next(self.table.batches([time], size=HISTORY)).cells[time]).season

    def _compare(self, held_out: float | None) -> None:
        wanted, season = self.wanted, self._season()
        rows = back_test_rows(
            self._documents,
            self.table.name,
            horizon=wanted.horizon,
            lead=season or 1,
            origins=wanted.origins,
            every=wanted.every,
            held_out=held_out,
        )
        levels = np.array(wanted.quantiles)
        if (kept := 2 * len(rows) * len(levels) * wanted.horizon * len(self.channels)) > MOST_KEPT:
            raise UsageError(
                f"a back-test from {len(rows):,} rows keeps {kept:,} numbers, at most {MOST_KEPT:,} fit; choose fewer "
                "origins (--origins), a smaller horizon or fewer quantiles"
            )
        record = Record(self.channels, self._predictor.scale, levels, self._forecaster.support, season)
        for each in self._forecaster.forecasts(self.table, rows, self._ask(season), ahead=True):
            record.add(each)
        self.back_test = record.summary()
        if self.back_test is None:
            raise UsageError(f"{self.table.name}: no row of the back-test has values before and after it")
        shifts, found = record.shifts(), self.back_test
        if found.calibration_helps and np.isfinite(shifts.by).all():
            self._shifts = shifts
        elif np.isfinite(found.calibrated_coverage).all():
            own, other = (float(each.mean()) for each in (found.later_coverage, found.calibrated_coverage))
            self._note(
                f"quantiles are the model's own: after the later half of the rows they cover {own:.1%}, calibrated on "
                f"the earlier half {other:.1%}, of {found.interval:.1%}"
            )
        else:
            least = 2 * int(np.ceil((1 / min(levels[0], 1 - levels[-1]) - 1) / 2 - 1e-9))
            self._note(
                f"quantiles are not calibrated: those of {levels[0]:g} and {levels[-1]:g} need at least {least:,} "
                f"origins with values in every channel and step, got {found.origins:,} (--origins)"
            )

    def _note(self, notice: str) -> None:
        if (said := f"{self.table.name}: {notice}") not in self._notices:
            self._notices.append(said)


def chosen_channels(text: str | None, channels: tuple[str, ...], others: Sequence[str]) -> tuple[str, ...]:
    """The channels whose forecasts are written.

    **Arguments:**

    - `text`: names with commas between them; None: all.
    - `channels`: that the model predicts.
    - `others`: further columns of the table.

    **Raises:** `UsageError` for one that the model does not predict, by name.
    """
    wanted = channels if text is None else words(text)
    for name in wanted:
        if name in channels:
            continue
        if name in others:
            raise UsageError(
                f"column '{name}' cannot be forecast: the run reads it out of states (an outcome), passes it on (time, "
                f"document), or does not know it; it predicts {listed(channels)}"
            )
        raise UsageError(f"column '{name}' cannot be forecast: there is none. {nearest(name, channels)}")
    if not wanted:
        raise UsageError("--columns names no column")
    return tuple(dict.fromkeys(wanted))


def write_forecasts(
    forecasts: Forecasts, out: Path, *, run: "Restored", columns: str | None = None, force: bool = False
) -> int:
    """Write forecasts, and beside them a card that says what they are and, after a back-test, how good.

    Each file is written whole or not at all.

    **Arguments:**

    - `forecasts`: not yet iterated over.
    - `out`: `.csv`, `.tsv` or `.parquet`.
    - `run`: whose model it is, for the card.
    - `columns`: names of the channels that are written, with commas; None: all.
    - `force`: replace a file that exists.

    **Returns:** how many documents were forecast.

    **Raises:** `UsageError` where the file exists or is the table itself; `RunError` where a path diverges, and where
    it cannot be written.
    """
    check_out(out, forecasts.table.name, force=force)
    kept = chosen_channels(columns, forecasts.channels, forecasts.table.names)
    levels = [f"q{level:g}" for level in forecasts.wanted.quantiles]
    documents = 0
    with table_writer(out) as writer:
        for each in forecasts:
            documents += 1
            writer.write(_columns(forecasts, each, kept, levels))
    card = {
        "forecasts": out.name,
        "run": str(run.folder.absolute()),
        "update": run.step,
        "table": forecasts.table.name,
        "vestige": __version__,
        "options": forecasts.wanted._asdict(),
        "columns": {
            "step": "how many steps after the last row of the table, or of the document",
            "NAME.mean": "the mean of the sampled paths, in units of the table",
            "NAME.qL": "the value below which it lies with probability L",
        },
        "calibrated": forecasts.calibrated,
        "method": forecasts.method(),
        "notices": forecasts.notices,
        "back_test": forecasts.back_test and forecasts.back_test.as_plain(),
    }
    write_text(card_of(out), json.dumps(finite(card), indent=1, ensure_ascii=False) + "\n")
    return documents


def _repeated(cells: Cells, steps: int) -> Cells:
    """The last cell, so many times."""
    return Cells(np.repeat(cells.values[-1:], steps), np.repeat(cells.missing[-1:], steps))


def _columns(forecasts: Forecasts, each: Ahead, kept: tuple[str, ...], levels: list[str]) -> dict[str, Cells]:
    steps = len(each.mean)
    there = np.zeros(steps, bool)
    passed = zip(reversed(forecasts.passed_on), (each.document, each.times), strict=True)
    found = {name: cells for name, cells in passed if name is not None and cells is not None}
    put(found, "step", Cells(np.arange(1, steps + 1), there))
    for channel in kept:
        place = forecasts.channels.index(channel)
        put(found, f"{channel}.mean", numbers(np.ascontiguousarray(each.mean[:, place])))
        for level, quantiles in zip(levels, each.quantiles, strict=True):
            put(found, f"{channel}.{level}", numbers(np.ascontiguousarray(quantiles[:, place])))
    return found
