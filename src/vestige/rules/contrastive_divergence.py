"""Contrastive divergence for data without time."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.harmonium import Harmonium
from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step, check_unmasked
from vestige.rules.objectives import ContrastiveDivergence
from vestige.typing import Batch, Key, PyTree


class ContrastiveDivergenceRule(AbstractRule):
    """Fit a harmonium to independent examples, by CD-n or by persistent chains. `batch.inputs` are the visible units.

    Crosses a batch: with persistent chains their visible units, without gradient; otherwise nothing.

    **Arguments:**

    - `objective`: how many sweeps, and where chains start.
    - `chains`: how many chains outlive their batch (persistent CD: Tieleman 2008); None: every example starts a chain
      of its own.
    - `clip`: bound on the gradient's global norm; None for none.

    **Raises:** `ValueError` for chains below 1.
    """

    objective: ContrastiveDivergence = ContrastiveDivergence()
    chains: int | None = eqx.field(static=True, default=None)
    clip: float | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.chains is not None and self.chains < 1:
            raise ValueError(f"ContrastiveDivergenceRule: chains must be at least 1, or None, got {self.chains}")
        check_clip("ContrastiveDivergenceRule", self.clip)

    def init(self, model: Harmonium, batch: Batch, *, key: Key) -> PyTree[Array] | None:
        if self.chains is None:
            return None
        rows = jnp.arange(self.chains) % jax.tree.leaves(batch.inputs)[0].shape[0]
        return jax.tree.map(lambda leaf: leaf[rows], batch.inputs)

    def step(self, model: Harmonium, carry: PyTree[Array] | None, batch: Batch, *, key: Key) -> Step:
        check_unmasked("ContrastiveDivergence", batch)
        weights, rest = eqx.partition(model, eqx.is_inexact_array)
        fantasies = None if carry is None else self._continued(model, carry, key=key)

        def loss(weights: PyTree) -> Float[Array, ""]:
            whole = eqx.combine(weights, rest)
            if fantasies is None:
                keys = _keys(batch.inputs, key)
                return -jnp.mean(jax.vmap(lambda v, k: self.objective(whole, v, key=k))(batch.inputs, keys))
            free = jax.vmap(whole.log_unnormalised)
            sparse = jax.vmap(lambda v: jnp.asarray(self.objective.penalty(whole, v)))
            return jnp.mean(free(fantasies)) - jnp.mean(free(batch.inputs)) - jnp.mean(sparse(batch.inputs))

        value, grads = jax.value_and_grad(loss)(weights)
        grads, norm = clipped(grads, self.clip)
        return Step(grads, fantasies, {"loss": value, "grad_norm": norm})

    def _continued(self, model: Harmonium, chains: PyTree[Array], *, key: Key) -> Any:
        return jax.vmap(lambda v, k: model.continued(v, self.objective.sweeps, key=k))(chains, _keys(chains, key))


def _keys(batch: PyTree[Array], key: Key) -> Array:
    """One for every row."""
    rows = jax.tree.leaves(batch)[0].shape[0]
    return jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(rows))
