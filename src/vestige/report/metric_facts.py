"""What is known of a metric."""

from dataclasses import dataclass
from typing import Literal

ROLES = ("result", "baseline", "diagnostic", "cost")


@dataclass(frozen=True)
class Metric:
    """A metric as the pages show it.

    **Raises:** `ValueError` where `direction` or `role` is none of those below.
    """

    name: str
    """Its name in files: a key of a task's metrics."""
    label: str
    """Its name for people."""
    explanation: str
    """One line that says what it is."""
    direction: Literal["lower", "higher"] | None = None
    """Which way is better; None: neither."""
    unit: str = ""
    """Such as nats; empty where it has none."""
    role: Literal["result", "baseline", "diagnostic", "cost"] = "result"
    """result: how good a model is. baseline: what something else reaches on the same data, never marked as the best.
    diagnostic: how a result is to be read. cost: what an update takes."""

    def __post_init__(self):
        if self.direction not in ("lower", "higher", None):
            raise ValueError(f"metric {self.name}: direction must be 'lower', 'higher' or None, got {self.direction!r}")
        if self.role not in ROLES:
            raise ValueError(f"metric {self.name}: role must be one of {', '.join(ROLES)}, got {self.role!r}")

    @property
    def lower_is_better(self) -> bool | None:
        """Whether less is better; None where neither way is, and for baselines."""
        return None if self.direction is None or self.role == "baseline" else self.direction == "lower"
