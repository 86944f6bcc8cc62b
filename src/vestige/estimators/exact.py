"""The expectation itself, by enumeration."""

from typing import Any

import jax.numpy as jnp

from vestige.estimators.contract import AbstractEstimator, Cost, Distribution
from vestige.estimators.costs import answer, evaluated
from vestige.structures import enumerate_traces, racing
from vestige.structures.contract import flagged
from vestige.structures.exact import whole
from vestige.typing import Key


class Exact(AbstractEstimator):
    """Σ_T p(T) f(X(T)) over all traces: no variance, for about five nodes. `fn` is evaluated once a trace.

    **Raises:** `ValueError` beyond 200,000 traces, and where the probabilities do not add up to one, because rates of
    zero make traces end early; compiled, the estimate is then NaN.
    """

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        structure = racing(structure, "Exact")
        table = enumerate_traces(structure)
        log_probs, valid = whole(table.log_probs, structure, "Exact")
        counted = log_probs > -jnp.inf
        costs, aux = evaluated(fn, table.values, counted)
        probs = jnp.where(counted, jnp.exp(jnp.where(counted, log_probs, 0.0)), 0.0).astype(costs.dtype)
        return answer(flagged(jnp.sum(probs * costs), valid), aux, probs)
