"""Whether a run was trained long enough, by its evaluations while it was trained."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

ENOUGH = 4  # evaluations below which nothing is said
STILL = 0.05  # of the distance that was covered in all: a gain above it in the last quarter is called progress


@dataclass(frozen=True)
class Convergence:
    """The evaluations of a metric in the last quarter of the updates, and before.

    **Arguments:**

    - `low`, `high`: the range of the evaluations in the last quarter of the updates.
    - `gain`: how much better their mean is than that of the quarter before, in units of the metric.
    - `covered`: how much better it is than the first evaluation.
    - `noise`: standard error of `gain`, by the scatter of the evaluations within the two quarters.
    """

    low: float
    high: float
    gain: float
    covered: float
    noise: float

    @property
    def improving(self) -> bool:
        """Whether the metric was still getting better: by more than two standard errors, and by more than a twentieth
        of all that was gained."""
        return self.gain > 2 * self.noise and self.gain > STILL * abs(self.covered)

    @property
    def worsening(self) -> bool:
        """Whether the metric was getting worse, by the same rule."""
        return -self.gain > 2 * self.noise and -self.gain > STILL * abs(self.covered)


def convergence(curve: Mapping[float, float], *, lower: bool, updates: float | None = None) -> Convergence | None:
    """What the evaluations during training say.

    **Arguments:**

    - `curve`: value of the metric by update.
    - `lower`: whether less is better.
    - `updates`: how many were made; by default the last evaluation is at the end.

    **Returns:** None where there are fewer than four evaluations, or fewer than two in one of the last two quarters.
    """
    end = max(curve, default=0.0) if updates is None else updates
    last = [value for step, value in curve.items() if step > 0.75 * end]
    before = [value for step, value in curve.items() if 0.5 * end < step <= 0.75 * end]
    if len(curve) < ENOUGH or len(last) < 2 or len(before) < 2:
        return None
    sign = -1.0 if lower else 1.0
    gain = sign * (statistics.mean(last) - statistics.mean(before))
    covered = sign * (statistics.mean(last) - curve[min(curve)])
    noise = (statistics.variance(last) / len(last) + statistics.variance(before) / len(before)) ** 0.5
    return Convergence(min(last), max(last), gain, covered, noise)
