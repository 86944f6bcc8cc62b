"""A model of a user's recordings beside those who need none, on the same held-out steps."""

from typing import Any, NamedTuple

import numpy as np

from vestige.tasks.filtering.baselines import Steps, baselines
from vestige.tasks.filtering.custom_data import CustomRecordings
from vestige.tasks.filtering.recorded_steps import channel_names
from vestige.tasks.filtering.step_prediction import read_on
from vestige.tasks.filtering.unrolling import Filters


class Compared(NamedTuple):
    """Errors of a step, before it is seen.

    - `steps`: how many steps were predicted.
    - `channels`: the names of the values, without those that were never seen there.
    - `scale`: (p,), standard deviations in training, or 1 for counts and bits.
    - `squares`: name -> (p,), mean squared errors in units of those; `model` is first.
    - `said`: name -> with what was chosen.
    """

    steps: int
    channels: tuple[str, ...]
    scale: np.ndarray
    squares: dict[str, np.ndarray]
    said: dict[str, str]

    def error(self, name: str) -> float:
        """Of one of them, summed over the channels."""
        return float(self.squares[name].sum())

    def best_other(self) -> str:
        """Who is best without the model."""
        return min((name for name in self.squares if name != "model"), key=self.error)

    def as_plain(self) -> dict[str, Any]:
        """Plain values of JSON: of everybody the squared error, and the root of that of each channel in the units of
        the file."""
        roots = {name: np.sqrt(square) * self.scale for name, square in self.squares.items()}
        return {
            name: {
                "said": self.said[name],
                "error": self.error(name),
                "rmse": dict(zip(self.channels, root.tolist(), strict=True)),
            }
            for name, root in roots.items()
        }


def compared(task: CustomRecordings, model: Filters, *, season: int | None) -> Compared:
    """The squared errors of a trained model, and of baselines, one step ahead on the held-out part.

    All read each recording from its beginning, so that nobody starts without a past. Costs one pass over all steps, and
    the fits of the baselines.

    **Arguments:**

    - `task`: with its data.
    - `model`: trained on it.
    - `season`: in steps; None: there is none.
    """
    scaling = task.scaling
    read = read_on(model, task.train, task.test, scaling)
    steps = Steps.of(read.frames, read.starts, read.held)
    seen, there = steps.frames[steps.scored], steps.there[steps.scored]
    known = there.any(axis=0)
    mean = read.mean[np.isfinite(read.frames).any(axis=1)][steps.scored]
    others = baselines(steps, season)
    predicted = {"model": mean} | {other.name: other.predicted for other in others}
    there, scale = there[:, known], scaling.scale[known]
    error = lambda each: np.mean(np.square(each - seen)[:, known], axis=0, where=there)
    squares = {name: error(each) for name, each in predicted.items()}
    said = {"model": "the model"} | {other.name: other.said for other in others}
    names = channel_names(scaling, task.columns)
    channels = tuple(names[place] for place in np.flatnonzero(known))
    return Compared(len(seen), channels, scale, squares, said)
