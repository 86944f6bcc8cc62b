"""What a rule for long sequences asks of a model."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float

from vestige.models.longterm.detector import Detector
from vestige.models.longterm.outcome import AbstractOutcome
from vestige.typing import PyTree


class AbstractLongTermModel(eqx.Module):
    """Memory m_t = g(m_{t-1}, x_t), a prediction of y_k from m_t and x_k, and a detector that has no memory.

    The memory may be asked at step t about any step k >= t: what it needs of k is x_k, what it needs of the past is
    m_t. Unbatched. (MemUP section 3.1.)
    """

    detector: eqx.AbstractVar[Detector]
    outcome: eqx.AbstractVar[AbstractOutcome]
    """What the detector predicts."""

    @abc.abstractmethod
    def init(self) -> Any:
        """The state with which every sequence starts."""

    @abc.abstractmethod
    def encode(
        self, state: Any, inputs: PyTree[Array], mask: Bool[Array, " time"] | None = None
    ) -> tuple[Any, PyTree[Array]]:
        """Follow some steps: the state after the last one that counts, and m_t for each, time first. Padding comes
        last."""

    @abc.abstractmethod
    def surprise(self, memory: PyTree[Array], inputs: PyTree[Array], outcome: PyTree[Array]) -> Float[Array, ""]:
        """-log q(y_k | m_t, x_k) in nats or an upper bound of it, or the squared error."""
