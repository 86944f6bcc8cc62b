"""How good predictions of rows were, added up as they are made."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from vestige.data.tables import Cells
from vestige.models.tied import reliability
from vestige.tasks.predictions import AbstractPredictionSummary

LEAST = 1e-12  # of a probability, where its logarithm is taken


class PredictedRows(NamedTuple):
    """Consecutive rows, predicted."""

    start: int
    """The number of the first, counted from 0."""
    probabilities: np.ndarray
    """(rows, classes) float64; without classes (rows, 0)."""
    log_density: np.ndarray
    """(rows,) nats, of numbers in the units of the table."""
    labels: np.ndarray
    """(rows,) the classes in the table, -1 where there is none."""
    surprise: np.ndarray
    """(rows,) -log p in nats of the values that are there, as the model sees them; NaN where none is."""
    share: np.ndarray
    """(rows,) values of a row over those that are there; NaN where none is."""

    @property
    def passed(self) -> dict[str, Cells]:
        """None of the columns of the table: a row is known by its number."""
        return {}

    @property
    def missing(self) -> np.ndarray:
        """(rows,) booleans: where no value is there."""
        return np.isnan(self.surprise)


@dataclass(frozen=True)
class RowSummary(AbstractPredictionSummary):
    """How good the predictions of rows were: how many rows, how many with a class, and of these accuracy and
    cross-entropy (nats), beside those of the most frequent class, and the calibration error; of how many nothing is
    there, and the mean surprise of the others (nats)."""

    count: int
    labelled: int
    mean_log_density: float
    missing: int = 0
    mean_surprise: float = float("nan")
    accuracy: float | None = None
    cross_entropy: float | None = None
    majority: float | None = None
    ece: float | None = None

    def lines(self) -> list[str]:
        found = [f"{self.count:,} rows, mean log-density {self.mean_log_density:.4g} nats."]
        if self.accuracy is None or self.majority is None:
            return [*found, "No row has a class to compare with."]
        better = "better than" if self.accuracy > self.majority else "no better than"
        return [
            f"{self.accuracy:.1%} of {self.labelled:,} classes are right, {better} the most frequent class, which is "
            f"right in {self.majority:.1%}; cross-entropy {self.cross_entropy:.4g} nats, calibration error "
            f"{self.ece:.1%}.",
            *found,
        ]

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        return (), []

    def as_plain(self) -> dict[str, Any]:
        names = ("labelled", "mean_log_density", "accuracy", "cross_entropy", "majority", "ece")
        return {"rows": self.count, **{name: getattr(self, name) for name in names}}


class RowTally:
    """Adds up predictions; memory does not grow."""

    def __init__(self):
        self._count, self._density, self._labelled, self._log = 0, 0.0, 0, 0.0
        self._missing, self._surprise = 0, 0.0
        self._right, self._classes = 0, np.zeros(0, np.int64)
        self._apart: np.ndarray = np.zeros(0)  # of each bin of confidence: hits less confidence, summed

    def add(self, found: PredictedRows) -> None:
        """Add further rows.

        **Arguments:** `found`: predicted.
        """
        known = found.labels >= 0
        self._count += len(known)
        self._density += float(np.sum(found.log_density))
        self._missing += int(np.sum(found.missing))
        self._surprise += float(np.nansum(found.surprise))
        classes, labelled = found.probabilities.shape[1], int(known.sum())
        if not classes or not labelled:
            return
        probabilities, labels = found.probabilities[known], found.labels[known]
        if not len(self._classes):
            self._classes = np.zeros(classes, np.int64)
        self._classes += np.bincount(labels, minlength=classes)
        self._labelled += labelled
        self._right += int(np.sum(probabilities.argmax(axis=1) == labels))
        right = probabilities[np.arange(labelled), labels]
        self._log += float(np.sum(np.log(np.maximum(right, LEAST))))
        bins = reliability(jnp.asarray(probabilities, jnp.float32), jnp.asarray(labels))
        apart = labelled * np.asarray(bins.share, np.float64) * np.asarray(bins.accuracy - bins.confidence, np.float64)
        self._apart = apart if not len(self._apart) else self._apart + apart

    def summary(self) -> RowSummary:
        """What they came to."""
        mean = lambda total, count: total / count if count else float("nan")
        there = self._count - self._missing
        found = RowSummary(
            self._count,
            self._labelled,
            mean(self._density, self._count),
            missing=self._missing,
            mean_surprise=mean(self._surprise, there),
        )
        if not self._labelled:
            return found
        return replace(
            found,
            accuracy=self._right / self._labelled,
            cross_entropy=-self._log / self._labelled,
            majority=float(self._classes.max() / self._labelled),
            ece=float(np.abs(self._apart).sum() / self._labelled),
        )
