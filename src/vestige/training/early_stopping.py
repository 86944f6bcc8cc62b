"""When a run has learned enough: a metric of its evaluations that gets no better."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

from vestige.errors import RunError, nearest


@dataclasses.dataclass(frozen=True)
class EarlyStopping:
    """Stop where a metric of the evaluations during training gets no better, and keep the model that was best.

    **Arguments:**

    - `metric`: its name, a key of `task.evaluate`.
    - `direction`: which way is better.
    - `patience`: so many evaluations in a row without an improvement end the run.
    - `min_delta`: what counts as one: the best value so far is passed by more than this.

    **Raises:** `ValueError` where one of them is none of these.
    """

    metric: str
    direction: Literal["lower", "higher"] = "lower"
    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self):
        if not self.metric:
            raise ValueError("metric must name a metric of the evaluations, got an empty name")
        if self.direction not in ("lower", "higher"):
            raise ValueError(f"direction must be lower or higher, got {self.direction}")
        if self.patience < 1:
            raise ValueError(f"patience must be at least 1, got {self.patience}")
        if not 0 <= self.min_delta < math.inf:
            raise ValueError(f"min_delta must be finite and not negative, got {self.min_delta}")


class Patience:
    """How an `EarlyStopping` stands. It follows from the evaluations alone, so the log of a run restores it.

    **Arguments:**

    - `rule`: when to stop.
    """

    def __init__(self, rule: EarlyStopping):
        self.rule = rule
        self.best: float | None = None
        self.best_step = 0
        """The update after which the metric was best; 0: no evaluation had a number."""
        self.waited = 0
        """Evaluations since then."""

    def see(self, record: Mapping[str, Any]) -> bool:
        """Take in a line of the log.

        **Arguments:**

        - `record`: of any kind; only evaluations count. A value that is no number is no improvement.

        **Returns:** whether it is the best evaluation so far.

        **Raises:** `RunError` where an evaluation has no such metric.
        """
        if record["kind"] != "evaluate":
            return False
        if self.rule.metric not in record:
            known = [name for name in record if name not in ("kind", "step", "seconds")]
            raise RunError(f"the evaluations have no metric '{self.rule.metric}'. {nearest(self.rule.metric, known)}")
        value = record[self.rule.metric]
        value = None if value is None or not math.isfinite(value) else float(value)
        if value is None or not self._improves(value):
            self.waited += 1
            return False
        self.best, self.best_step, self.waited = value, int(record["step"]), 0
        return True

    def _improves(self, value: float) -> bool:
        if self.best is None:
            return True
        gain = self.best - value if self.rule.direction == "lower" else value - self.best
        return gain > self.rule.min_delta

    @property
    def exhausted(self) -> bool:
        """Whether the run is to stop."""
        return self.waited >= self.rule.patience

    def sentence(self) -> str:
        """Why the run stopped."""
        return (
            f"stopped early: {self.rule.metric} has not improved over {self.waited} evaluations; the model is that of "
            f"update {self.best_step}, where it was {0.0 if self.best is None else self.best:.4g}"
        )
