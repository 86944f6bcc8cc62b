"""The expectation itself, by enumeration."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.debug import require
from vestige.estimators.contract import AbstractEstimator, Cost
from vestige.numerics import full_precision
from vestige.structures import AbstractStructure, enumerate_traces
from vestige.structures.contract import absent, flagged
from vestige.typing import Key


class Exact(AbstractEstimator):
    """Σ_T p(T) f(X(T)) over all traces: no variance, for about five nodes. `fn` is evaluated once a trace.

    **Raises:** `ValueError` beyond 200,000 traces, and where the probabilities do not add up to one, because masks or
    rates of zero make traces end early; compiled, the estimate is then NaN.
    """

    def estimate(self, fn: Cost, structure: AbstractStructure, context: Any, *, key: Key) -> Float[Array, ""]:
        table = enumerate_traces(structure)
        nobody = absent(structure.mask)
        probs = jnp.exp(table.log_probs)
        valid = nobody | (jnp.abs(jnp.sum(probs) - 1.0) <= 1e-3)
        probs = require(
            probs,
            valid,
            "Exact: the traces of full length do not add up to probability one: masks or rates of zero make some end "
            "early. Use a smaller structure without a mask, or LeaveOneOut.",
        )
        costs = full_precision(jax.vmap(fn)(table.values))
        empty = full_precision(fn(jnp.zeros_like(table.values[0])))
        return flagged(jnp.where(nobody, empty, jnp.sum(probs.astype(costs.dtype) * costs)), valid)
