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
    """Scalars by name; the log averages them."""


def check_unmasked(rule: str, batch: Batch) -> None:
    """Refuse a batch of independent rows that holds a mask or resets, which would be ignored.

    **Arguments:**

    - `rule`: its name, for the message.
    - `batch`: as a task draws it.

    **Raises:** `ValueError` where the batch holds one of them.
    """
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
        """The first carry.

        **Arguments:**

        - `model`: the model that will be trained.
        - `batch`: one like those that follow, with a leading batch axis; its shapes count.

        **Returns:** a pytree of arrays, whose shapes and dtypes no step changes, or None.

        **Raises:** `ValueError` for a model or a batch that the rule cannot work on.
        """

    @abc.abstractmethod
    def step(self, model: Any, carry: Any, batch: Batch, *, key: Key) -> Step:
        """Compute one update. Pure JAX; it is compiled together with the optimiser.

        **Arguments:**

        - `model`: the model as it is before the update.
        - `carry`: what the step before left, or `init` returned.
        - `batch`: examples with a leading batch axis. Where `needs_batch` is False it is not looked at.

        **Returns:** the gradient, shaped like the model's trainable leaves, to be descended; the carry for the next
        step; and metrics, scalars that the log averages.

        **Raises:** `ValueError`, when it is traced, for a batch that the rule cannot work on.
        """

    def needs_batch(self, carry: Any) -> Bool[Array, ""] | bool:
        """Whether the next update takes anything from its batch; where it does not, the driver draws none.

        For rules that work through a batch in many updates, of which drawing another would be the larger part.

        **Arguments:**

        - `carry`: that with which `step` is called next.

        **Returns:** one bool, which may be traced; by default True.
        """
        return True
