"""What is known of a metric."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["result", "baseline", "constant", "diagnostic", "cost"]
ROLES = get_args(Role)


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
    role: Role = "result"
    """result: how good a model is. baseline: what something else reaches on the same data, never marked as the best.
    constant: the best possible on these data. diagnostic: how a result is to be read. cost: what an update takes."""
    of: str = ""
    """Of which metric a baseline or a constant is a value: `frame_error`."""
    who: str = ""
    """Whose value a baseline or a constant is, within a sentence: "the last frame again"."""
    best: float | None = None
    """The best value there can be, whatever the data are, such as 1 of an accuracy; None where there is none."""
    proportion: bool = False
    """Whether it is a part of the held-out examples, between 0 and 1: how far it is known follows from their number."""
    alike: str = ""
    """What must be the same in two runs before their values compare, beside the data: "images of the same size"."""

    def __post_init__(self):
        if self.direction not in ("lower", "higher", None):
            raise ValueError(f"metric {self.name}: direction must be 'lower', 'higher' or None, got {self.direction!r}")
        if self.role not in ROLES:
            raise ValueError(f"metric {self.name}: role must be one of {', '.join(ROLES)}, got {self.role!r}")
        if self.of and (self.role not in ("baseline", "constant") or not self.who):
            raise ValueError(
                f"metric {self.name}: only a baseline or a constant is a value of another metric ('{self.of}'), and it "
                f"says whose; got role {self.role!r}, who {self.who!r}"
            )

    @property
    def lower_is_better(self) -> bool | None:
        """Whether less is better; None where neither way is, for baselines and for constants."""
        theirs = self.role in ("baseline", "constant")
        return None if self.direction is None or theirs else self.direction == "lower"
