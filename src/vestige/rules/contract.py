"""The contract of a learning rule."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Bool

from vestige.typing import Batch, Key, Metrics, PyTree


class Step(NamedTuple):
    """What one application of a rule returns."""

    grads: PyTree
    """Shaped like the model's trainable leaves; a descent direction for optax, whatever its origin."""
    carry: Any
    """What must survive to the next step: states, targets, moving averages."""
    metrics: Metrics


def check_unmasked(rule: str, batch: Batch) -> None:
    """**Raises:** `ValueError` where a batch of independent rows holds a mask or resets, which would be ignored."""
    for name, given in (("mask", batch.mask), ("reset", batch.reset)):
        if given is not None:
            raise ValueError(
                f"{rule}: the rows of a batch are independent data without time, so that {name} has no meaning here; "
                f"got one of shape {given.shape}. Leave out the rows that do not count."
            )


class AbstractRule(eqx.Module):
    """Turns a model and a batch into a gradient-shaped update. It neither owns an optimiser nor loops.

    A rule works on a whole batch; the model and its parts are written for one example, and the rule
    vectorises them. The update is the same function of the batch however the batch is spread over devices.
    """

    @abc.abstractmethod
    def init(self, model: Any, batch: Batch, *, key: Key) -> Any:
        """The first carry: a pytree of arrays, or None."""

    @abc.abstractmethod
    def step(self, model: Any, carry: Any, batch: Batch, *, key: Key) -> Step:
        """The update that this batch asks for."""

    def needs_batch(self, carry: Any) -> Bool[Array, ""] | bool:
        """Whether the next update takes anything from its batch; where it does not, the driver draws none.

        For rules that work through a batch in many updates, of which drawing another would be the larger part.
        """
        return True
