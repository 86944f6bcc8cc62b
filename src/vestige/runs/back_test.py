"""Forecasts from many rows of a table beside what came, and beside those who have no model."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vestige.errors import UsageError
from vestige.tasks.forecasts import Forecast

MOST_ORIGINS = 10_000
MOST_KEPT = 2**26
"""Numbers that are kept to calibrate quantiles."""
WHO = {
    "model": "the model",
    "last": "the last value",
    "seasonal": "the value a season before",
    "linear": "linear regression",
}


class BackTest(NamedTuple):
    """How good forecasts from some rows were.

    - `origins`: rows from which something was forecast; `first`, `last`: the first and the last, counted from 1.
    - `season`: steps of a season; None without one.
    - `errors`: who -> (horizon,) mean squared error of a value, in units of the standard deviations in training: of the
      model's mean, of the last value, of the value a season before, of linear regression from step to step.
    - `channels`: name -> who -> root of the mean squared error over all steps, in units of the table.
    - `interval`: the share between the lowest and the highest quantile; `coverage`: (horizon,) the share of values that
      lay there, by the model's own quantiles.
    - `later_coverage`, `calibrated_coverage`: (horizon,) the same in the later half of the origins, by the model's own
      quantiles, and by those that are calibrated on the earlier half; NaN where these are too few.
    """

    origins: int
    first: int
    last: int
    season: int | None
    errors: dict[str, np.ndarray]
    channels: dict[str, dict[str, float]]
    interval: float
    coverage: np.ndarray
    later_coverage: np.ndarray
    calibrated_coverage: np.ndarray

    @property
    def calibration_helps(self) -> bool:
        """Whether calibrated quantiles come closer to what they say, in the later half."""
        far = lambda coverage: abs(float(np.mean(coverage)) - self.interval)
        return far(self.calibrated_coverage) < far(self.later_coverage)

    def sentence(self) -> str:
        """Whether the model forecasts better than those who have none, over all steps together."""
        mean = {who: float(np.nanmean(each)) for who, each in self.errors.items()}
        others = {who: error for who, error in mean.items() if who != "model"}
        beaten = [f"{WHO[who]} by {1 - mean['model'] / e:.0%}" for who, e in others.items() if mean["model"] < e]
        not_beaten = [
            WHO[who] + (f" ({mean['model'] / e - 1:+.0%})" if e > 0 else "")
            for who, e in others.items()
            if not mean["model"] < e
        ]
        said = [f"beats {', '.join(beaten)}"] if beaten else []
        said += [f"does not beat {', '.join(not_beaten)}"] if not_beaten else []
        steps = len(self.errors["model"])
        return f"Over {steps:,} step{'s' * (steps > 1)} the model {'; it '.join(said)}."

    def as_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = self._asdict() | {"errors": {who: each.tolist() for who, each in self.errors.items()}}
        for name in ("coverage", "later_coverage", "calibrated_coverage"):
            found[name] = getattr(self, name).tolist()
        return {**found, "sentence": self.sentence()}


def back_test_rows(
    documents: tuple[tuple[int, int], ...],
    table: str,
    *,
    horizon: int,
    lead: int,
    origins: int | None,
    every: int | None,
    held_out: float | None,
) -> np.ndarray:
    """The rows from which a back-test forecasts.

    **Arguments:**

    - `documents`: first row and the one after the last, of each.
    - `table`: its name, for messages.
    - `horizon`: steps that must follow in the document.
    - `lead`: rows that must lie in it up to the origin, itself included.
    - `origins`: how many, evenly spaced; or else `every`: one in so many rows.
    - `held_out`: the share at the end of each document in which all steps must lie; None: all of it.

    **Returns:** their numbers, rising.

    **Raises:** `UsageError` where no document is long enough, and for more than `MOST_ORIGINS`.
    """
    possible = []
    for begin, end in documents:
        first = begin + lead - 1
        if held_out is not None:
            first = max(first, end - round(held_out * (end - begin)) - 1)
        possible.append(np.arange(first, end - horizon))
    rows = np.concatenate(possible)
    if not len(rows):
        longest = max(end - begin for begin, end in documents)
        part = "" if held_out is None else f" of which the last {held_out:.0%} are held out,"
        raise UsageError(
            f"{table}: a back-test of {horizon:,} steps needs a document of at least {lead + horizon:,} rows, the "
            f"longest has {longest:,},{part} which is too short; choose a smaller --horizon"
        )
    if every is not None:
        rows = np.concatenate([each[::-1][::every][::-1] for each in possible])
    elif origins is not None and origins < len(rows):
        rows = rows[((np.arange(origins) + 0.5) * len(rows) / origins).astype(np.int64)]
    if len(rows) > MOST_ORIGINS:
        raise UsageError(f"{table}: at most {MOST_ORIGINS:,} origins, got {len(rows):,}; choose a larger --every")
    return rows


@dataclass(frozen=True, eq=False)
class Shifts:
    """By how much quantiles move outwards, or inwards, so that pairs of them cover as much as they say.

    - `by`: (quantiles, steps, p) float64, in units of the table; NaN where origins are too few.
    """

    by: np.ndarray

    @classmethod
    def symmetric(cls, above: np.ndarray, below: np.ndarray, levels: np.ndarray) -> "Shifts":
        """Those by which a quantile and the one that mirrors it move alike: errors that lean to one side in the earlier
        rows, and to the other in the later ones, do not count twice.

        **Arguments:**

        - `above`: (n, quantiles, steps, p), the values less their quantiles.
        - `below`: the quantiles of 1 - level less the values.
        - `levels`: (quantiles,), rising. The middle stays.
        """
        found = cls.of(np.concatenate([above, below]), levels).by
        return cls(np.where((levels == 0.5)[:, None, None], 0.0, found))

    @classmethod
    def of(cls, beyond: np.ndarray, levels: np.ndarray) -> "Shifts":
        """Those of `beyond` (n, quantiles, steps, p), the values less their quantiles of these `levels`.

        The ⌈(n + 1) level⌉-th smallest above the middle, the ⌊(n + 1) level⌋-th below: a further value lies below the
        shifted quantile with at least, or at most, this probability, if all are exchangeable (conformalised quantile
        regression; Romano, Patterson & Candès 2019). NaN count for nothing.
        """
        ordered = np.sort(beyond, axis=0)  # NaN last
        counts = (~np.isnan(beyond)).sum(axis=0)
        wanted = (counts + 1) * levels[:, None, None]
        upper = (levels > 0.5)[:, None, None]
        ranks = np.where(upper, np.ceil(wanted - 1e-9), np.floor(wanted + 1e-9)).astype(np.int64)
        middle = (levels == 0.5)[:, None, None]
        ranks = np.where(middle, np.clip(ranks, 1, np.maximum(counts, 1)), ranks)
        good = (ranks >= 1) & (ranks <= counts)
        picked = np.take_along_axis(ordered, np.clip(ranks - 1, 0, len(ordered) - 1)[None], axis=0)[0]
        return cls(np.where(good, picked, np.nan))

    def moved(self, quantiles: np.ndarray, support: tuple[float, float]) -> np.ndarray:
        """Those `quantiles` (…, quantiles, steps, p) moved, in order, within the `support`."""
        return np.sort(np.clip(quantiles + self.by, *support), axis=-3)


class Record:
    """Forecasts and what came, added up.

    **Arguments:**

    - `channels`, `scale`: names of the channels, and the standard deviations in training.
    - `levels`: (q,) those of the quantiles, rising.
    - `support`: the least and the largest value.
    - `season`: steps of a season; None without one.
    """

    def __init__(
        self,
        channels: tuple[str, ...],
        scale: np.ndarray,
        levels: np.ndarray,
        support: tuple[float, float],
        season: int | None,
    ):
        self._channels, self._scale, self._levels, self._support = channels, scale, levels, support
        self._season = season
        self._rows: list[int] = []
        self._quantiles: list[np.ndarray] = []
        self._mirrored: list[np.ndarray] = []
        self._seen: list[np.ndarray] = []
        self._squares: dict[str, Any] = {}
        self._count: Any = 0

    def add(self, forecast: Forecast) -> None:
        """Take in a `forecast`."""
        said = {"model": forecast.mean, "last": np.broadcast_to(forecast.last, forecast.seen.shape)}
        said |= {} if forecast.seasonal is None else {"seasonal": forecast.seasonal}
        said["linear"] = forecast.linear
        for who, each in said.items():
            self._squares[who] = self._squares.get(who, 0.0) + np.nan_to_num(np.square(each - forecast.seen))
        self._count = self._count + ~np.isnan(forecast.seen)
        self._rows.append(forecast.row)
        both = np.quantile(forecast.paths, np.concatenate([self._levels, 1 - self._levels]), axis=0)
        self._quantiles.append(both[: len(self._levels)])
        self._mirrored.append(both[len(self._levels) :])
        self._seen.append(forecast.seen)

    def shifts(self, part: slice = slice(None)) -> Shifts:
        """Those of all forecasts, or of a `part`."""
        seen = np.stack(self._seen[part])[:, None]
        above, below = seen - np.stack(self._quantiles[part]), np.stack(self._mirrored[part]) - seen
        return Shifts.symmetric(above, below, self._levels)

    def summary(self) -> BackTest | None:
        """What was found; None where no origin has a document with a value before it, or none came."""
        if not self._rows or not self._count.any():
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = {who: each / self._scale**2 for who, each in self._squares.items()}
            per_step = {who: each.sum(axis=1) / self._count.sum(axis=1) for who, each in errors.items()}
            roots = {who: np.sqrt(each.sum(axis=0) / self._count.sum(axis=0)) for who, each in self._squares.items()}
        channels = {
            name: {who: float(root[place]) for who, root in roots.items()} for place, name in enumerate(self._channels)
        }
        half = len(self._rows) // 2
        quantiles, seen = np.stack(self._quantiles), np.stack(self._seen)
        calibrated = np.full(seen.shape[1], np.nan)
        if half:
            shifts = self.shifts(slice(half))
            if np.isfinite(shifts.by[[0, -1]]).all():
                calibrated = _covered(shifts.moved(quantiles[half:], self._support), seen[half:])
        return BackTest(
            origins=len(self._rows),
            first=self._rows[0] + 1,
            last=self._rows[-1] + 1,
            season=self._season,
            errors=per_step,
            channels=channels,
            interval=float(self._levels[-1] - self._levels[0]),
            coverage=_covered(quantiles, seen),
            later_coverage=_covered(quantiles[half:], seen[half:]),
            calibrated_coverage=calibrated,
        )


def _covered(quantiles: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """For each step the share of values (n, steps, p) from the lowest to the highest quantile."""
    inside = (quantiles[:, 0] <= seen) & (seen <= quantiles[:, -1])
    with np.errstate(invalid="ignore"):
        return inside.sum(axis=(0, 2)) / (~np.isnan(seen)).sum(axis=(0, 2))
