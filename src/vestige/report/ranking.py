"""Which members of a comparison are ahead, as far as their seeds support it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vestige.report.rank_sum import clearly_less

LEAST_SEEDS = 3  # of each of two members, below which the rank-sum test at 5% can support nothing


@dataclass(frozen=True)
class Ranking:
    """The members by their medians, best first: those that may be the best, and those that are clearly worse.

    `leaders` are the member with the best median and all that are not clearly worse than it, by the one-sided rank-sum
    test at 5%; `behind` are the others.
    """

    leaders: tuple[str, ...]
    behind: tuple[str, ...]

    @property
    def winner(self) -> str | None:
        """The only leader, where there are others behind it."""
        return self.leaders[0] if len(self.leaders) == 1 and self.behind else None

    @property
    def marked(self) -> tuple[str, ...]:
        """Whom a table marks as the best: the leaders, where somebody is behind them."""
        return self.leaders if self.behind else ()


def ranking(values: Mapping[str, Sequence[float]], *, lower: bool) -> Ranking:
    """The ranking of members.

    **Arguments:**

    - `values`: of each member, one a seed; members without any are left out.
    - `lower`: whether less is better.
    """
    sign = 1.0 if lower else -1.0
    signed = {name: [sign * value for value in found] for name, found in values.items() if found}
    order = sorted(signed, key=lambda name: statistics.median(signed[name]))
    if not order:
        return Ranking((), ())
    behind = tuple(name for name in order[1:] if clearly_less(signed[order[0]], signed[name]))
    return Ranking(tuple(name for name in order if name not in behind), behind)
