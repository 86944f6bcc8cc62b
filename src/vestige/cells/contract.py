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
    `output_size` is the width of an output, `drive_size` that of a drive.
    """

    output_size: eqx.AbstractVar[int]
    drive_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def init(self) -> State:
        """The state with which every sequence starts.

        **Returns:** a pytree of arrays, whose shapes and dtypes no step changes.
        """

    @abc.abstractmethod
    def __call__(
        self, state: State, x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[State, Float[Array, " hidden"]]:
        """Take one step.

        **Arguments:**

        - `state`: that after the step before, or `init()`.
        - `x`: (features,), the input of this step, of the width for which the cell was built.
        - `drive`: (drive_size,), added to the pre-activations; None adds nothing.

        **Returns:** the state after this step, and its output, (output_size,).
        """


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
        """Take all steps at once: the same states and outputs, up to rounding, as one step after the other.

        **Arguments:**

        - `state`: that before the first step.
        - `xs`: (time, features), the inputs.
        - `drive`: (time, drive_size), added to the pre-activations of each step; None adds nothing.
        - `mask`: (time,), bool. A step where it is False, wherever it stands, leaves the state as it was; its output
          means nothing. None: every step counts.

        **Returns:** the states after every step, with a leading time axis, and the outputs, (time, output_size).
        """
