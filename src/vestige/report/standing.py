"""How a value stands between chance, the baselines and the best possible."""

from collections.abc import Mapping
from dataclasses import dataclass, field

NEAR = 0.95  # of the way from chance to the best possible: "near the best possible"
SLIGHT = 0.05  # of the other value: below it a difference is slight, and one evaluation alone does not settle it


def interval(share: float, count: int) -> tuple[float, float]:
    """The 95% interval of Wilson of a `share` of `count` examples that count once each."""
    square = 1.96**2 / count
    middle = (share + square / 2) / (1 + square)
    half = (square * (share * (1 - share) + square / 4)) ** 0.5 / (1 + square)
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))


@dataclass(frozen=True)
class Standing:
    """A value, what it is compared with, and how far it is known.

    **Arguments:**

    - `value`: of the metric.
    - `lower`: whether less is better.
    - `best`, `chance`: the best possible value and that of who knows nothing; None where they are not known.
    - `baselines`: what others reach on the same data, by name.
    - `low`, `high`: the range in which the value was found (several evaluations, several seeds); None: it was found
      once, and how far it would vary is not known.
    """

    value: float
    lower: bool
    best: float | None = None
    chance: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None

    def gain(self, other: float, value: float | None = None) -> float:
        """By how much the value, or `value`, is better than `other`, in units of the metric; negative: worse."""
        value = self.value if value is None else value
        return other - value if self.lower else value - other

    def beats(self, other: float) -> bool | None:
        """Whether the value is better than `other`; None where that is not settled: `other` lies within the range of
        the value, or, where no range is known, less than a twentieth of itself away from the value.
        """
        found = [end for end in (self.value, self.low, self.high) if end is not None]
        gains = [self.gain(other, end) for end in found]
        margin = SLIGHT * abs(other) if len(found) == 1 else 0.0
        if min(gains) > margin:
            return True
        return False if max(gains) < -margin else None

    @property
    def share(self) -> float | None:
        """Of the way from chance to the best possible; 1 at the best, 0 at chance; None where one is unknown."""
        if self.best is None or self.chance is None or self.best == self.chance:
            return None
        return (self.value - self.chance) / (self.best - self.chance)

    @property
    def strongest(self) -> tuple[str, float] | None:
        """The best of the baselines, with its name; None where there is none."""
        if not self.baselines:
            return None
        name = (min if self.lower else max)(self.baselines, key=lambda each: self.baselines[each])
        return name, self.baselines[name]

    @property
    def beats_chance(self) -> bool | None:
        """Whether it is better than chance; None where chance is unknown, or within its range."""
        return None if self.chance is None else self.beats(self.chance)

    @property
    def beats_baselines(self) -> bool | None:
        """Whether it is better than each baseline; None where there is none, or the strongest is within its range."""
        return None if self.strongest is None else self.beats(self.strongest[1])

    @property
    def near_best(self) -> bool:
        """Whether it is at least 95% of the way from chance to the best possible."""
        return self.share is not None and self.share >= NEAR
