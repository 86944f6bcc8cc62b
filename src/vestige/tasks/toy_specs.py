"""The toys, structures that are to cost little, as options; nothing here imports JAX."""

import abc
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vestige.checks import WIDTH, at_least, positive
from vestige.spec import load
from vestige.structures.specs import ArborescenceSpec, BinaryTreeSpec, MatchingSpec, SpanningTreeSpec, StructureSpec
from vestige.tasks.spec import TaskSpec

if TYPE_CHECKING:
    from vestige.tasks.toy import ToyTask


@dataclasses.dataclass(frozen=True)
class AbstractToySpec(TaskSpec):
    """A structure of `n`, and what a draw of it costs."""

    n: int = 5
    """Rows, positions or nodes."""

    largest: ClassVar[int] = WIDTH
    provides: ClassVar[frozenset[str]] = frozenset({"cost"})

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "n")

    @property
    def metric(self) -> str:
        return "loss"

    def summary(self) -> dict[str, str]:
        return {"n": str(self.n)}

    @property
    @abc.abstractmethod
    def structure(self) -> StructureSpec:
        """What is drawn."""

    @abc.abstractmethod
    def cost_function(self) -> Callable[[Any], Any]:
        """What a draw costs.

        **Returns:** a function from the value of a draw to a scalar.
        """

    @property
    @abc.abstractmethod
    def best(self) -> float:
        """The least expected cost there is."""

    @property
    @abc.abstractmethod
    def chance(self) -> float | None:
        """The expected cost at equal rates; None where it has no formula and is simulated."""

    def build(self, *, seed: int) -> "ToyTask":
        from vestige.tasks.toy import ExpectedCost, ToyTask

        objective = ExpectedCost(load(self.structure.part), self.cost_function())
        return ToyTask(objective, self.best, self.chance, self.structure.rates_shape)


@dataclasses.dataclass(frozen=True)
class ToyMatchingSpec(AbstractToySpec):
    """Row i is to be matched to column i."""

    cost: Literal["diagonal", "distance"] = "diagonal"
    """diagonal: minus the entries on the diagonal; distance: ||P - P_t||²."""
    t: float = 0.05
    """P_t is 1/2 + t on the diagonal and 1/2 - t elsewhere."""

    def __post_init__(self):
        super().__post_init__()
        positive(self, "t")

    @property
    def structure(self) -> StructureSpec:
        return MatchingSpec(self.n)

    def cost_function(self) -> Callable[[Any], Any]:
        from vestige.tasks.toy import Distance, matched

        return matched if self.cost == "diagonal" else Distance(self.t)

    @property
    def best(self) -> float:
        return self._with_matched(self.n)

    @property
    def chance(self) -> float:
        return self._with_matched(1)  # at equal rates one row is matched right on average

    def _with_matched(self, right: int) -> float:
        """The cost where `right` rows are matched to their own column; linear in that."""
        if self.cost == "diagonal":
            return -float(right)
        n, on, off = self.n, 0.5 + self.t, 0.5 - self.t
        overlap = on * right + off * (n - right)
        return n - 2 * overlap + n * on**2 + n * (n - 1) * off**2


@dataclasses.dataclass(frozen=True)
class ToySpanningTreeSpec(AbstractToySpec):
    """All edges are to touch vertex 0: a star."""

    @property
    def structure(self) -> StructureSpec:
        return SpanningTreeSpec(self.n)

    def cost_function(self) -> Callable[[Any], Any]:
        from vestige.tasks.toy import elsewhere

        return elsewhere

    @property
    def best(self) -> float:
        return 0.0

    @property
    def chance(self) -> float:
        return (self.n - 1) * (1 - 2 / self.n)  # each of the edges touches a given vertex with probability 2 / n


@dataclasses.dataclass(frozen=True)
class ToyArborescenceSpec(AbstractToySpec):
    """Some node is to have all others as children; the root is node 0."""

    @property
    def structure(self) -> StructureSpec:
        return ArborescenceSpec(self.n)

    def cost_function(self) -> Callable[[Any], Any]:
        from vestige.tasks.toy import fan

        return fan

    @property
    def best(self) -> float:
        return 1.0 - self.n

    @property
    def chance(self) -> None:
        return None


@dataclasses.dataclass(frozen=True)
class ToyBinaryTreeSpec(AbstractToySpec):
    """The tree is to be as high as it can: a path."""

    @property
    def structure(self) -> StructureSpec:
        return BinaryTreeSpec(self.n)

    def cost_function(self) -> Callable[[Any], Any]:
        from vestige.tasks.toy import height

        return height

    @property
    def best(self) -> float:
        return -float(self.n)

    @property
    def chance(self) -> float:
        return -mean_height(self.n)


def mean_height(n: int) -> float:
    """The mean number of levels of a binary tree whose positions arrive in an order drawn uniformly."""
    # within[m]: the probability that a tree of m positions has at most so many levels, for 0, 1, … levels.
    within = [1.0] + [0.0] * n
    mean = 0.0
    for _ in range(n):
        mean += 1 - within[n]
        within = [1.0] + [sum(within[i] * within[m - 1 - i] for i in range(m)) / m for m in range(1, n + 1)]
    return mean


TOYS = {
    "toy-matching": ToyMatchingSpec(),
    "toy-spanning-tree": ToySpanningTreeSpec(),
    "toy-arborescence": ToyArborescenceSpec(),
    "toy-binary-tree": ToyBinaryTreeSpec(),
}
