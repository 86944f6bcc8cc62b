"""The processes that make one run together. All but one of them follow."""

import abc
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, final

import jax
from jax.sharding import Mesh

Plain = TypeVar("Plain")


class AbstractTeam(abc.ABC):
    """Processes that make one run: each holds the whole state and its share of a batch, and the leader alone writes.

    Every process calls the same methods in the same order; a call returns when it has what it needs of the others.
    What depends on a clock, a file or a signal differs between processes, so the loop takes it from here.

    A value that is exchanged is plain: numbers, texts, None, lists and dictionaries of them.
    """

    rank: int
    """The number of this process, from 0."""
    size: int
    """How many processes there are."""

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes: configuration, log, results, report."""
        return self.rank == 0

    @property
    @abc.abstractmethod
    def writing(self) -> AbstractContextManager[Any]:
        """Entered while this process completes a checkpoint: it is not ended in the middle where another one fails."""

    @abc.abstractmethod
    def shared(self, make: Callable[[], Plain]) -> Plain:
        """What `make` returns in the leader, which alone calls it.

        **Arguments:**

        - `make`: called once, in the leader.

        **Returns:** the same plain value in every process.

        **Raises:** in every process, what `make` raises in the leader, where Vestige has a class for it; otherwise a
        `RunError` that repeats it. `Lost` where the leader is gone.
        """

    @abc.abstractmethod
    def gathered(self, value: Plain) -> list[Plain]:
        """What every process gave, in the order of their ranks.

        **Arguments:**

        - `value`: of this process.

        **Returns:** one plain value a process, the same list in every process.

        **Raises:** `Lost` where a process is gone.
        """

    @abc.abstractmethod
    def mesh(self) -> Mesh | None:
        """All devices of all processes in one axis, "data"; None: the caller decides."""

    @abc.abstractmethod
    def spread(self, tree: Any, mesh: Mesh) -> Any:
        """The arrays of the leader's `tree`, whole on every device of a `mesh`.

        **Arguments:**

        - `tree`: a model or state that is alike in every process in all but the values of its arrays.
        - `mesh`: of all devices.

        **Returns:** the tree with these arrays.
        """

    @abc.abstractmethod
    def lost(self, error: Exception) -> str:
        """Whether a call of JAX failed because another process is gone.

        **Arguments:**

        - `error`: of JAX.

        **Returns:** a sentence that says so; empty where it failed for another reason.
        """


@final
class Alone(AbstractTeam):
    """One process: nothing is exchanged, and every method returns at once what it was given."""

    rank, size = 0, 1

    @property
    def writing(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def shared(self, make: Callable[[], Plain]) -> Plain:
        return make()

    def gathered(self, value: Plain) -> list[Plain]:
        return [value]

    def mesh(self) -> Mesh | None:
        return None

    def spread(self, tree: Any, mesh: Mesh) -> Any:
        import equinox as eqx

        return eqx.filter_shard(tree, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))

    def lost(self, error: Exception) -> str:
        return ""


def local(tree: Any) -> Any:
    """A tree whose arrays are spread over processes, with this process's own copy of each in their place.

    **Arguments:**

    - `tree`: whose arrays are whole on every device.
    """

    def own(leaf: Any) -> Any:
        spread = isinstance(leaf, jax.Array) and not leaf.is_fully_addressable
        return leaf.addressable_data(0) if spread else leaf

    return jax.tree.map(own, tree)
