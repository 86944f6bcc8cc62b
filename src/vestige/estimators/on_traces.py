"""Expectations of what depends on the trace."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.contract import AbstractEstimator, expect
from vestige.structures import AbstractStructure
from vestige.structures.by_trace import ByTrace
from vestige.typing import Key

TraceCost = Callable[[Float[Array, "..."], Any], Float[Array, ""]]
"""From the value of a draw and its trace to a scalar."""


def expect_trace(
    fn: TraceCost, structure: AbstractStructure, *, estimator: AbstractEstimator, key: Key, context: Any = None
) -> Float[Array, ""]:
    """E[fn(X(T), T)] for a trace T drawn from `structure`, as [`expect`][vestige.estimators.expect] is E[fn(X)].

    What cannot be said of the value alone, such as log-probabilities of traces, can be said here. The evidence lower
    bound with the divergence of traces, KL(X) ≤ KL(T) ≤ KL(E) (notes, section 3.5), with its gradient:

    ```python
    def negative_elbo(edges, trace):
        return loss(edges) + posterior.log_prob(trace) - prior.log_prob(trace)

    expect_trace(negative_elbo, posterior, estimator=LeaveOneOut(4), key=key)
    ```

    Where `fn` closes over the rates of `structure`, as here, that part of the gradient is pathwise.

    **Arguments:**

    - `fn`: takes the value of a draw, held fixed, and its trace, and returns a scalar.
    - `structure`, `estimator`, `key`, `context`: as for `expect`. Estimators that see the set alone (`SetScore`,
        `GivenSet`) or a relaxed value do not know the trace, and refuse.

    **Raises:** as `expect`.

    Time: that of `expect`, and one more run of the algorithm for each draw.
    """
    inner = structure

    def of_winners(winners: Float[Array, " steps"]) -> Float[Array, ""]:
        trace = inner.replay(winners.astype(jnp.int32))
        return fn(inner.value(trace), trace)

    return expect(of_winners, ByTrace.of(structure), estimator=estimator, key=key, context=context)
