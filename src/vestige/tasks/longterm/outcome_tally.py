"""How good predicted outcomes were, added up as they are made."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vestige.errors import shown
from vestige.tasks.longterm.outcome_reliability import Reliability
from vestige.tasks.predictions import AbstractPredictionSummary


@dataclass(frozen=True)
class OutcomeSummary(AbstractPredictionSummary):
    """How good the predictions of a table were.

    - `name`: of the outcome.
    - `steps`, `known`: steps of the table, and of how many of them the outcome is known.
    - `mean_surprise`: nats a known outcome; of classes the cross-entropy.
    - `metrics`: of classes `accuracy`, `majority_accuracy` and `frequency_cross_entropy`, of who knows how often each
      class comes in this table, `calibration_error`, `calibration_noise`, and `auroc` of two classes; of numbers
      `rmse`, `constant_rmse`, of who knows their mean in this table, and `coverage` of the intervals. NaN where no
      outcome is known.
    - `classes`: of each class its share of the known outcomes, and the mean probability there.
    """

    name: str
    steps: int
    known: int
    mean_surprise: float
    metrics: dict[str, float]
    classes: dict[str, dict[str, float]]

    @property
    def missing(self) -> int:
        """Steps whose outcome is not known."""
        return self.steps - self.known

    def lines(self) -> list[str]:
        known = f"{self.steps:,} steps, of {self.known:,} of which '{self.name}' is known."
        if not self.known:
            return [known]
        found = self.metrics
        if self.classes:
            area = f"area under the receiver's curve {found['auroc']:.3f}; " if "auroc" in found else ""
            return [
                known,
                f"Cross-entropy {self.mean_surprise:.4g} nats, {found['frequency_cross_entropy']:.4g} of who knows how "
                f"often each class comes here; accuracy {found['accuracy']:.1%}, {found['majority_accuracy']:.1%} of "
                "the most frequent class.",
                f"{area[:1].upper()}{area[1:]}calibration error {found['calibration_error']:.4f}, "
                f"{found['calibration_noise']:.4f} on average if the probabilities were right.",
            ]
        return [
            known,
            f"Root mean squared error {found['rmse']:.4g}, {found['constant_rmse']:.4g} of who knows the mean here; "
            f"intervals cover {found['coverage']:.1%}.",
        ]

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        if not self.known:
            return (), []
        rows = [(label, f"{each['share']:.2%}", f"{each['probability']:.2%}") for label, each in self.classes.items()]
        return (self.name, "how often", "mean probability"), rows

    def as_plain(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "known": self.known,
            "mean_surprise": self.mean_surprise,
            **self.metrics,
            "classes": self.classes,
            "sentence": " ".join(self.lines()[1:]),
        }


class OutcomeTally:
    """Sums over predicted outcomes.

    **Arguments:**

    - `name`: of the outcome.
    - `labels`: of its classes; None: it is a number.
    - `interval`: the share that intervals are to cover.
    """

    def __init__(self, name: str, labels: tuple[str, ...] | None, interval: float):
        self._name, self._labels, self.interval = name, labels, interval
        self._steps = self._known = self._right = self._covered = 0
        self._surprise = self._squares = self._mean = self._spread = 0.0
        self._counts = np.zeros(len(labels or ()))
        self._probability = np.zeros(len(labels or ()))
        self._reliability = Reliability()

    def add(
        self,
        probabilities: np.ndarray | None,
        mean: np.ndarray | None,
        low: np.ndarray | None,
        high: np.ndarray | None,
        seen: np.ndarray,
        surprise: np.ndarray,
    ) -> None:
        """Take in further steps; the arguments are the fields of `PredictedOutcomes`.

        **Arguments:**

        - `probabilities`: (rows, classes); None of a number.
        - `mean`, `low`, `high`: (rows,); None of a class.
        - `seen`, `surprise`: (rows,).
        """
        known = ~np.isnan(seen)
        count = int(known.sum())
        self._steps += len(seen)
        if not count:
            return
        self._surprise += float(surprise[known].sum())
        if probabilities is not None:
            places = seen[known].astype(np.int64)
            self._right += int((probabilities[known].argmax(axis=1) == places).sum())
            self._counts += np.bincount(places, minlength=len(self._counts))
            self._probability += probabilities[known].sum(axis=0)
            self._reliability.add(probabilities[known].max(axis=1), probabilities[known].argmax(axis=1) == places)
            if probabilities.shape[1] == 2:
                self._reliability.add_scores(probabilities[known, 1], places == 1)
        elif mean is not None and low is not None and high is not None:
            values = seen[known]
            self._squares += float(np.square(values - mean[known]).sum())
            self._covered += int(((low[known] <= values) & (values <= high[known])).sum())
            ahead, total = float(values.mean()) - self._mean, self._known + count
            self._spread += float(np.square(values - values.mean()).sum()) + ahead**2 * self._known * count / total
            self._mean += ahead * count / total
        self._known += count

    def summary(self) -> OutcomeSummary:
        """What the sums say so far."""
        each = lambda total: float(total / self._known) if self._known else float("nan")
        classes: dict[str, dict[str, float]] = {}
        if self._labels is None:
            metrics = {
                "rmse": each(self._squares) ** 0.5,
                "constant_rmse": each(self._spread) ** 0.5,
                "coverage": each(self._covered),
            }
        else:
            share = self._counts / max(self._known, 1)
            entropy = -float(np.sum(share[share > 0] * np.log(share[share > 0])))
            metrics = {
                "accuracy": each(self._right),
                "majority_accuracy": each(self._counts.max()),
                "frequency_cross_entropy": entropy if self._known else float("nan"),
                **self._reliability.as_plain(),
            }
            for place, label in enumerate(self._labels):
                said = {"share": each(self._counts[place]), "probability": each(self._probability[place])}
                classes[shown(label)] = said
        return OutcomeSummary(self._name, self._steps, self._known, each(self._surprise), metrics, classes)
