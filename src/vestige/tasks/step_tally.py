"""How good predictions of a table were, added up as they are made."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from vestige.tasks.predictions import AbstractPredictionSummary
from vestige.tasks.stepwise import PredictedSteps


@dataclass(frozen=True)
class StepSummary(AbstractPredictionSummary):
    """How good predictions were.

    - `steps`, `missing`: steps of the table, and of how many of them nothing is there.
    - `mean_surprise`: nats a step, over those that are not missing.
    - `error`, `last_error`, `linear_error`: squared error a step, summed over channels in units of the standard
      deviations in training: of the model, of the last value, of linear regression (None where it is not known). Of
      steps before which one of the document was seen.
    - `interval`, `coverage`: the share that intervals are to cover, and the share of values that they did.
    - `channels`: for each channel the root of the mean squared error of each, in units of the table, and the coverage.
    """

    steps: int
    missing: int
    mean_surprise: float
    error: float
    last_error: float
    linear_error: float | None
    interval: float
    coverage: float
    channels: dict[str, dict[str, float]]

    def sentence(self) -> str:
        """Whether the model predicts better than those who have none."""
        if not np.isfinite(self.error):
            return "No step could be compared with its prediction: none stands after another that is not missing."
        better = sum(each["rmse"] < each["last_rmse"] for each in self.channels.values())
        of = f"better in {better:,} of {len(self.channels):,} channels" if len(self.channels) > 1 else ""
        said = f"The model {_beside(self.error, self.last_error, 'the last value')} on this table"
        said += f" ({of})" if of else ""
        if self.linear_error is not None:
            said += f", and {_beside(self.error, self.linear_error, 'linear regression')}"
        return f"{said}: squared errors {_numbers(self.error, self.last_error, self.linear_error)}."

    def lines(self) -> list[str]:
        """How many steps, the sentence, surprise and coverage."""
        missing = f", {self.missing:,} of them missing" if self.missing else ""
        return [
            f"{self.steps:,} steps{missing}.",
            self.sentence(),
            f"Mean surprise {self.mean_surprise:.4g} nats a step; intervals of {self.interval:.6g} cover "
            f"{self.coverage:.1%} of the values.",
        ]

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """A channel a row: errors of the model, of the last value and of linear regression, and the coverage."""
        texts = lambda each: [
            f"{each[key]:.4g}" if key in each else "–" for key in ("rmse", "last_rmse", "linear_rmse")
        ]
        headings = ("root mean squared error", "model", "last value", "linear", "covered")
        return headings, [(n, *texts(each), f"{each['coverage']:.1%}") for n, each in self.channels.items()]

    def as_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**dataclasses.asdict(self), "sentence": self.sentence()}


def _beside(error: float, other: float, whose: str) -> str:
    if error < other:
        return f"beats {whose} by {1 - error / other:.0%}"
    return f"does not beat {whose}" + (f" ({error / other - 1:+.0%})" if other > 0 else "")


def _numbers(*errors: float | None) -> str:
    return ", ".join(f"{error:.4g}" for error in errors if error is not None)


@dataclass
class Tally:
    """Sums over predicted steps.

    **Arguments:**

    - `channels`: their names.
    - `scale`: (p,), in units of which errors are added up.
    - `interval`: the share that intervals are to cover.
    """

    channels: tuple[str, ...]
    scale: np.ndarray
    interval: float

    def __post_init__(self):
        zeros = lambda: np.zeros(len(self.channels))
        self._steps = self._missing = 0
        self._surprise = 0.0
        self._errors = {"model": zeros(), "last": zeros(), "linear": zeros()}
        self._covered, self._there, self._compared, self._linear = zeros(), zeros(), zeros(), True

    def add(self, steps: PredictedSteps) -> None:
        """Take in further `steps`."""
        missing, there = steps.missing, ~np.isnan(steps.seen)
        compared = there & steps.begun[:, None]
        self._steps += len(there)
        self._missing += int(missing.sum())
        self._compared += compared.sum(axis=0)
        self._there += there.sum(axis=0)
        self._surprise += float(steps.surprise[~missing].sum())
        self._covered += ((steps.low <= steps.seen) & (steps.seen <= steps.high)).sum(axis=0)
        self._linear &= steps.linear is not None
        for name, said in (("model", steps.mean), ("last", steps.last), ("linear", steps.linear)):
            if said is not None:
                self._errors[name] += np.where(compared, np.square(said - steps.seen), 0.0).sum(axis=0)

    def summary(self) -> StepSummary:
        """What the sums say so far. NaN where nothing could be compared."""
        mean = lambda total, count: float(total / count) if count else float("nan")
        steps = self._compared.max()
        fuller = steps / np.maximum(self._compared, 1)  # 1 where no value is missing
        squares = {name: float(np.sum(total / self.scale**2 * fuller)) for name, total in self._errors.items()}
        channels = {}
        for place, name in enumerate(self.channels):
            root = {key: mean(total[place], self._compared[place]) ** 0.5 for key, total in self._errors.items()}
            channels[name] = {"rmse": root["model"], "last_rmse": root["last"]}
            channels[name] |= {"linear_rmse": root["linear"]} if self._linear else {}
            channels[name]["coverage"] = mean(self._covered[place], self._there[place])
        return StepSummary(
            steps=self._steps,
            missing=self._missing,
            mean_surprise=mean(self._surprise, self._steps - self._missing),
            error=mean(squares["model"], steps),
            last_error=mean(squares["last"], steps),
            linear_error=mean(squares["linear"], steps) if self._linear else None,
            interval=self.interval,
            coverage=mean(self._covered.sum(), self._there.sum()),
            channels=channels,
        )
