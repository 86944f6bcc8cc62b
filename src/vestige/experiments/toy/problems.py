"""Which structure is drawn and what it costs; nothing here imports JAX."""

import abc
import dataclasses
from typing import TYPE_CHECKING, Literal

from vestige.experiments.checks import at_least, positive

if TYPE_CHECKING:
    from vestige.tasks.toy import ToyTask


@dataclasses.dataclass(frozen=True)
class AbstractProblem(abc.ABC):
    """A structure of `n` and its cost."""

    n: int = 5
    """Rows, positions or nodes."""

    def __post_init__(self):
        at_least(self, 2, "n")

    @abc.abstractmethod
    def build(self) -> "ToyTask":
        """The task."""

    @property
    @abc.abstractmethod
    def published(self) -> bool:
        """Whether this is the cost of the published curves, and the size."""


@dataclasses.dataclass(frozen=True)
class Matching(AbstractProblem):
    """Row i is to be matched to column i."""

    cost: Literal["diagonal", "distance"] = "diagonal"
    """diagonal: minus the entries on the diagonal; distance: ||P - P_t||²."""
    t: float = 0.05
    """P_t is 1/2 + t on the diagonal and 1/2 - t elsewhere."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "t")

    @property
    def published(self) -> bool:
        return self.n == 10 and self.cost == "diagonal"

    def build(self) -> "ToyTask":
        from vestige import structures
        from vestige.tasks.toy import Distance, ExpectedCost, ToyTask, matched

        costs = {"diagonal": (matched, lambda k: -float(k)), "distance": (Distance(self.t), self._distance)}
        cost, with_matched = costs[self.cost]
        # At equal rates every matching is equally likely, and one row is matched right on average.
        objective = ExpectedCost(structures.Matching, cost)
        return ToyTask(objective, with_matched(self.n), with_matched(1), (self.n, self.n))

    def _distance(self, right: int) -> float:
        """||P - P_t||² where `right` rows are matched to their own column; linear in that."""
        n, on, off = self.n, 0.5 + self.t, 0.5 - self.t
        overlap = on * right + off * (n - right)
        return n - 2 * overlap + n * on**2 + n * (n - 1) * off**2


@dataclasses.dataclass(frozen=True)
class BinaryTree(AbstractProblem):
    """The tree is to be as high as it can: a path."""

    @property
    def published(self) -> bool:
        return self.n == 10

    def build(self) -> "ToyTask":
        from vestige import structures
        from vestige.tasks.toy import ExpectedCost, ToyTask, height

        objective = ExpectedCost(structures.BinaryTree, height)
        return ToyTask(objective, -float(self.n), -mean_height(self.n), (self.n,))


@dataclasses.dataclass(frozen=True)
class Arborescence(AbstractProblem):
    """Some node is to have all others as children; the root is node 0."""

    @property
    def published(self) -> bool:
        return self.n == 10

    def build(self) -> "ToyTask":
        from vestige import structures
        from vestige.tasks.toy import ExpectedCost, ToyTask, fan

        objective = ExpectedCost(structures.Arborescence, fan)
        return ToyTask(objective, 1.0 - self.n, None, (self.n, self.n))


@dataclasses.dataclass(frozen=True)
class SpanningTree(AbstractProblem):
    """All edges are to touch vertex 0: a star."""

    @property
    def published(self) -> bool:
        return False

    def build(self) -> "ToyTask":
        from vestige import structures
        from vestige.tasks.toy import ExpectedCost, ToyTask, elsewhere

        # At equal rates each of the n - 1 edges touches a given vertex with probability 2 / n.
        chance = (self.n - 1) * (1 - 2 / self.n)
        return ToyTask(ExpectedCost(structures.SpanningTree, elsewhere), 0.0, chance, (self.n, self.n))


Problem = Matching | BinaryTree | Arborescence | SpanningTree


def mean_height(n: int) -> float:
    """The mean number of levels of a binary tree whose positions arrive in an order drawn uniformly."""
    # within[m]: the probability that a tree of m positions has at most so many levels, for 0, 1, … levels.
    within = [1.0] + [0.0] * n
    mean = 0.0
    for _ in range(n):
        mean += 1 - within[n]
        within = [1.0] + [sum(within[i] * within[m - 1 - i] for i in range(m)) / m for m in range(1, n + 1)]
    return mean
