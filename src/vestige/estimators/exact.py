"""The expectation itself, by enumeration."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.contract import AbstractEstimator, Cost
from vestige.structures import AbstractStructure, enumerate_traces
from vestige.typing import Key


class Exact(AbstractEstimator):
    """Σ_T p(T) f(X(T)) over all traces: no variance, for about five nodes. `fn` is evaluated once a trace.

    **Raises:** `ValueError` beyond 200,000 traces; at run time where the probabilities do not add up to one, because
    masks or rates of zero make traces end early.
    """

    def estimate(self, fn: Cost, structure: AbstractStructure, context: Any, *, key: Key) -> Float[Array, ""]:
        table = enumerate_traces(structure)
        probs = jnp.exp(table.log_probs)
        probs = eqx.error_if(
            probs,
            jnp.abs(jnp.sum(probs) - 1.0) > 1e-3,
            "Exact: the traces of full length do not add up to probability one: masks or rates of zero make some end "
            "early. Use a smaller structure without a mask, or LeaveOneOut.",
        )
        return jnp.sum(probs * jax.vmap(fn)(table.values))
