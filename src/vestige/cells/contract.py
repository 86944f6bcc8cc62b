"""The contract of a recurrent cell."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Bool, Float

State = TypeVar("State")


class AbstractCell(eqx.Module, Generic[State]):
    """One step of a recurrence, for one sequence.

    `drive` is added to the pre-activations. Whatever part of the input is known for all steps in advance
    belongs there, as one product outside the scan; only what depends on the state goes through `x`.
    """

    output_size: eqx.AbstractVar[int]
    drive_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def init(self) -> State:
        """The state with which every sequence starts."""

    @abc.abstractmethod
    def __call__(
        self, state: State, x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[State, Float[Array, " hidden"]]:
        """The state after this step, and its output."""


class AbstractParallelCell(AbstractCell[State]):
    """A cell all of whose steps can be taken at once."""

    @abc.abstractmethod
    def parallel(
        self,
        state: State,
        xs: Float[Array, "time features"],
        drive: Float[Array, "time drive"] | None = None,
        mask: Bool[Array, " time"] | None = None,
    ) -> tuple[State, Float[Array, "time hidden"]]:
        """The states after every step, with a leading time axis, and the outputs: those of one step after the other.

        A step where `mask` is False, wherever it stands, leaves the state as it was; its output means nothing.
        """
