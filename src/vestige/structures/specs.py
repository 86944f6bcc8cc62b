"""The structures by name, and what may be set of each; nothing here imports JAX."""

import abc
import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.checks import WIDTH, at_least
from vestige.registries import Registry
from vestige.spec import Spec, load

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from vestige.structures.contract import AbstractStructure


@dataclasses.dataclass(frozen=True)
class StructureSpec(Spec):
    """The options of a structure: its size, and how it is made of a vector of free coordinates.

    `part` takes log-rates of shape `rates_shape`. The coordinates are those log-rates that count, as one vector.
    """

    n: int = 4
    """Items, positions, vertices, or rows."""

    contract: ClassVar[str] = "structure"
    largest: ClassVar[int] = WIDTH
    provides: ClassVar[frozenset[str]] = frozenset()
    """What estimators can do with it beside drawing (`vestige.capabilities.OF_STRUCTURES`)."""
    summary: ClassVar[str]
    """What a draw is, in words."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 2, "n")

    @property
    @abc.abstractmethod
    def rates_shape(self) -> tuple[int, ...]:
        """Shape of the log-rates: one for each key."""

    @property
    def value_shape(self) -> tuple[int, ...]:
        """Shape of the value of a draw; by default that of the log-rates."""
        return self.rates_shape

    @property
    def coordinates(self) -> int:
        """Length of the vector of coordinates; by default one for each key."""
        return math.prod(self.rates_shape)

    @property
    def least_traces(self) -> int:
        """A lower bound of the number of traces, so that hopeless enumerations are not started; by default 1."""
        return 1

    def arranged(self, coordinates: "Float[Array, ' coordinates']") -> "Float[Array, '*keys']":
        """The log-rates that a vector of coordinates stands for.

        **Arguments:**

        - `coordinates`: a vector of as many numbers as the property `coordinates` says.

        **Returns:** log-rates of shape `rates_shape`, differentiable in the coordinates.
        """
        return coordinates.reshape(self.rates_shape)

    def of(self, log_rates: "Float[Array, '*keys']") -> "AbstractStructure[Any]":
        """The structure with these log-rates.

        **Arguments:**

        - `log_rates`: of shape `rates_shape`.

        **Returns:** the structure, without a mask.

        **Raises:** `ValueError` for NaN or +inf.
        """
        return load(self.part)(log_rates)

    def build(self, coordinates: "Float[Array, ' coordinates']") -> "AbstractStructure[Any]":
        """The structure with these coordinates.

        **Arguments:**

        - `coordinates`: a vector of as many numbers as the property `coordinates` says.

        **Returns:** as `of`.

        **Raises:** `ValueError` for NaN or +inf.
        """
        return self.of(self.arranged(coordinates))

    @classmethod
    def examples(cls) -> "tuple[StructureSpec, ...]":
        return (cls(3),)


@dataclasses.dataclass(frozen=True)
class AbstractItemsSpec(StructureSpec):
    """A structure with one log-rate for each of n items."""

    @property
    def rates_shape(self) -> tuple[int, ...]:
        return (self.n,)


@dataclasses.dataclass(frozen=True)
class AbstractPairsSpec(StructureSpec):
    """A structure with one log-rate for each pair out of n and n."""

    @property
    def rates_shape(self) -> tuple[int, ...]:
        return self.n, self.n


@dataclasses.dataclass(frozen=True)
class CategoricalSpec(AbstractItemsSpec):
    """One of n items."""

    part: ClassVar[str] = "vestige.structures:Categorical"
    provides: ClassVar[frozenset[str]] = frozenset({"distinct traces", "relaxation"})
    summary: ClassVar[str] = "one of n items"

    @property
    def least_traces(self) -> int:
        return self.n


@dataclasses.dataclass(frozen=True)
class SubsetSpec(AbstractItemsSpec):
    """k of n items, in the order of arrival."""

    k: int = 2
    """How many of the n items."""

    part: ClassVar[str] = "vestige.structures:Subset"
    provides: ClassVar[frozenset[str]] = frozenset({"distinct traces", "relaxation", "set probability"})
    summary: ClassVar[str] = "k of n items, in the order of arrival"

    def __post_init__(self):
        super().__post_init__()
        if not 1 <= self.k <= self.n:
            raise ValueError(f"k must lie between 1 and n = {self.n}, got {self.k}")

    @property
    def least_traces(self) -> int:
        return math.perm(self.n, self.k)

    def of(self, log_rates: "Float[Array, '*keys']") -> "AbstractStructure[Any]":
        return load(self.part)(log_rates, self.k)


@dataclasses.dataclass(frozen=True)
class PermutationSpec(AbstractItemsSpec):
    """Orders of n items."""

    part: ClassVar[str] = "vestige.structures:Permutation"
    provides: ClassVar[frozenset[str]] = frozenset({"distinct traces"})
    summary: ClassVar[str] = "orders of n items"

    @property
    def value_shape(self) -> tuple[int, ...]:
        return self.n, self.n

    @property
    def least_traces(self) -> int:
        return math.factorial(self.n)


@dataclasses.dataclass(frozen=True)
class SpanningTreeSpec(AbstractPairsSpec):
    """Spanning trees of n vertices, by Kruskal's algorithm; a coordinate for each edge."""

    part: ClassVar[str] = "vestige.structures:SpanningTree"
    provides: ClassVar[frozenset[str]] = frozenset({"relaxation"})
    summary: ClassVar[str] = "spanning trees of n vertices, by Kruskal's algorithm"

    @property
    def coordinates(self) -> int:
        return math.comb(self.n, 2)

    @property
    def least_traces(self) -> int:
        return self.n ** (self.n - 2) * math.factorial(self.n - 1)

    def arranged(self, coordinates: "Float[Array, ' coordinates']") -> "Float[Array, '*keys']":
        import jax.numpy as jnp
        import numpy as np

        half = jnp.zeros(self.rates_shape, coordinates.dtype).at[np.triu_indices(self.n, 1)].set(coordinates)
        return half + half.T


@dataclasses.dataclass(frozen=True)
class ArborescenceSpec(AbstractPairsSpec):
    """Directed spanning trees from vertex 0, by Chu-Liu/Edmonds; a coordinate for each arc that does not enter it."""

    multiroot: bool = True
    """Whether several arcs may leave vertex 0; otherwise there is one."""

    part: ClassVar[str] = "vestige.structures:Arborescence"
    provides: ClassVar[frozenset[str]] = frozenset({"relaxation"})
    summary: ClassVar[str] = "directed spanning trees from vertex 0, by Chu-Liu/Edmonds"

    @property
    def coordinates(self) -> int:
        return (self.n - 1) ** 2

    @property
    def least_traces(self) -> int:
        return self.n ** (self.n - 2) if self.multiroot else (self.n - 1) ** (self.n - 2)

    def of(self, log_rates: "Float[Array, '*keys']") -> "AbstractStructure[Any]":
        return load(self.part)(log_rates, multiroot=self.multiroot)

    @classmethod
    def examples(cls):
        return cls(3), cls(3, multiroot=False)

    def arranged(self, coordinates: "Float[Array, ' coordinates']") -> "Float[Array, '*keys']":
        import jax.numpy as jnp
        import numpy as np

        arcs = np.nonzero(~np.eye(self.n, dtype=bool) & (np.arange(self.n) != 0))
        return jnp.zeros(self.rates_shape, coordinates.dtype).at[arcs].set(coordinates)


@dataclasses.dataclass(frozen=True)
class LabelledArborescenceSpec(StructureSpec):
    """Directed spanning trees from vertex 0 whose arcs carry labels; a coordinate for each arc and label."""

    n: int = 3
    """Vertices."""
    labels: int = 2
    """Labels of an arc."""

    part: ClassVar[str] = "vestige.structures:Labelled"
    summary: ClassVar[str] = "directed spanning trees from vertex 0, a label on each arc"

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "labels")

    @property
    def rates_shape(self) -> tuple[int, ...]:
        return self.n, self.n, self.labels

    @property
    def coordinates(self) -> int:
        return (self.n - 1) ** 2 * self.labels

    @property
    def least_traces(self) -> int:
        return self.n ** (self.n - 2) * self.labels ** (self.n - 1)

    def arranged(self, coordinates: "Float[Array, ' coordinates']") -> "Float[Array, '*keys']":
        import jax.numpy as jnp
        import numpy as np

        arcs = np.nonzero(~np.eye(self.n, dtype=bool) & (np.arange(self.n) != 0))
        return jnp.zeros(self.rates_shape, coordinates.dtype).at[arcs].set(coordinates.reshape(-1, self.labels))

    def of(self, log_rates: "Float[Array, '*keys']") -> "AbstractStructure[Any]":
        from vestige.numerics import logsumexp
        from vestige.structures.arborescence import Arborescence

        return load(self.part)(Arborescence(logsumexp(log_rates, -1)), log_rates)


@dataclasses.dataclass(frozen=True)
class BinaryTreeSpec(AbstractItemsSpec):
    """Binary trees over n positions."""

    part: ClassVar[str] = "vestige.structures:BinaryTree"
    summary: ClassVar[str] = "binary trees over n positions"

    @property
    def value_shape(self) -> tuple[int, ...]:
        return self.n, self.n

    @property
    def least_traces(self) -> int:
        return math.comb(2 * self.n, self.n) // (self.n + 1)


@dataclasses.dataclass(frozen=True)
class MatchingSpec(AbstractPairsSpec):
    """Greedy matchings of n rows with n columns."""

    part: ClassVar[str] = "vestige.structures:Matching"
    provides: ClassVar[frozenset[str]] = frozenset({"relaxation"})
    summary: ClassVar[str] = "greedy matchings of n rows with n columns"

    @property
    def least_traces(self) -> int:
        return math.factorial(self.n) ** 2


STRUCTURES: Registry[StructureSpec] = Registry(
    "structure",
    StructureSpec,
    {
        "categorical": CategoricalSpec(),
        "subset": SubsetSpec(),
        "permutation": PermutationSpec(),
        "spanning-tree": SpanningTreeSpec(),
        "arborescence": ArborescenceSpec(),
        "labelled-arborescence": LabelledArborescenceSpec(),
        "binary-tree": BinaryTreeSpec(),
        "matching": MatchingSpec(),
    },
)
"""What `vestige gradients NAME` stands for."""
