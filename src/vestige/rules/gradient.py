"""Plain back-propagation, through time where the model is a recurrence."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.spreading import mean_of_shares
from vestige.typing import Batch, Key, Metrics


@runtime_checkable
class Objective(Protocol):
    """What a model should do well on one example: a scalar to be *maximised*, and metrics."""

    def __call__(self, model: Any, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
        """Evaluate a model on one example.

        **Arguments:**

        - `model`: what is trained.
        - `example`: a batch without its batch axis.
        - `key`: of the noise on this example.

        **Returns:** one number, to be maximised, and metrics, of which the mean over the batch is logged.
        """
        ...


class Gradient(AbstractRule):
    """The exact gradient of an objective's mean over the batch (BPTT for sequences).

    Crosses a step: every state, with gradient. Crosses a batch: nothing.

    Backward storage grows linearly with the length of the sequences: one state per step, and the inner
    values of each step unless the model rematerialises them.

    **Arguments:**

    - `objective`: maximised; gets ONE example and a key of its own, e.g. `elbo`.
    - `clip`: rescales the gradient so that its global norm is at most this; None leaves it alone. The
      metric `grad_norm` is the norm before clipping.
    """

    objective: Objective = eqx.field(static=True)
    clip: float | None = eqx.field(static=True, default=10.0)

    def __check_init__(self):
        check_clip("Gradient", self.clip)

    def init(self, model: eqx.Module, batch: Batch, *, key: Key) -> None:
        return None

    def step(self, model: eqx.Module, carry: None, batch: Batch, *, key: Key) -> Step:
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        rows = jax.tree.leaves(batch)[0].shape[0]
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(rows))

        def loss(parameters, rows):
            whole = eqx.combine(parameters, rest)
            values, metrics = jax.vmap(lambda row, k: self.objective(whole, row, key=k))(*rows)
            return -jnp.mean(values), jax.tree.map(lambda m: jnp.mean(m, axis=0), metrics)

        grads, metrics = mean_of_shares(jax.grad(loss, has_aux=True), parameters, (batch, keys))
        grads, norm = clipped(grads, self.clip)
        return Step(grads, None, {**metrics, "grad_norm": norm})
