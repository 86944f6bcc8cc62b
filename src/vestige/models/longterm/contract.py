"""What a rule for long sequences requires of a model."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float

from vestige.models.longterm.detector import Detector
from vestige.models.longterm.outcome import AbstractOutcome
from vestige.typing import PyTree


class AbstractLongTermModel(eqx.Module):
    """Memory m_t = g(m_{t-1}, x_t), a prediction of y_k from m_t and x_k, and a detector that has no memory.

    At step t the outcome of any step k >= t may be predicted: what that needs of k is x_k, what it needs of the past is
    m_t. Unbatched. (MemUP section 3.1.)
    """

    detector: eqx.AbstractVar[Detector]
    outcome: eqx.AbstractVar[AbstractOutcome]
    """What the detector predicts."""

    @abc.abstractmethod
    def init(self) -> Any:
        """The state with which every sequence starts.

        **Returns:** a pytree of arrays, whose shapes and dtypes no step changes.
        """

    @abc.abstractmethod
    def encode(
        self, state: Any, inputs: PyTree[Array], mask: Bool[Array, " time"] | None = None
    ) -> tuple[Any, PyTree[Array]]:
        """Let the memory read some steps.

        **Arguments:**

        - `state`: that before the first of them.
        - `inputs`: x_t, a pytree with leading axis time.
        - `mask`: (time,), bool, False for padding, which comes last; None: every step counts.

        **Returns:** the state after the last step that counts, and m_t for each, with leading axis time; m_t of padding
        means nothing. Backward storage is linear in the number of steps.
        """

    @abc.abstractmethod
    def surprise(self, memory: PyTree[Array], inputs: PyTree[Array], outcome: PyTree[Array]) -> Float[Array, ""]:
        """How badly the outcome of a step is predicted.

        **Arguments:**

        - `memory`: m_t, without a time axis.
        - `inputs`: x_k.
        - `outcome`: y_k.

        **Returns:** one number: -log q(y_k | m_t, x_k) in nats or an upper bound of it, or the squared error.
        """
