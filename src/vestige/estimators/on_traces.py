"""Expectations of what depends on the trace, or on the whole draw."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.contract import AbstractEstimator, Distributions, estimated, finite_or_none, of_rows
from vestige.estimators.costs import Evaluation
from vestige.structures import AbstractStructure, AbstractTrace, Batch, racing
from vestige.structures.by_trace import ByTrace
from vestige.typing import Key


class Drawn(NamedTuple):
    """What a cost of `expect_draw` looks at."""

    value: Float[Array, "..."]
    """The indicator array, held fixed."""
    trace: AbstractTrace
    """The winners of every race, and who took part in it."""
    log_prob: Float[Array, ""]
    """log p(trace) in nats. Differentiable in the rates: what a cost makes of it has that gradient too."""
    key: Key
    """Of this draw's own, for noise of the cost, such as dropout or a sample of a decoder."""


def expect_trace(
    fn: Callable[..., Any],
    structure: Distributions,
    *,
    estimator: AbstractEstimator,
    key: Key,
    context: Any = None,
    has_aux: bool = False,
    batched: bool = False,
    infeasible: float | None = None,
) -> Any:
    """E[fn(X(T), T)] for a trace T drawn from `structure`, as [`expect`][vestige.estimators.expect] is E[fn(X)].

    What cannot be said of the value alone, such as log-probabilities of traces, can be said here. The evidence lower
    bound with the divergence of traces, KL(X) ≤ KL(T) ≤ KL(E) (notes, section 3.5), with its gradient:

    ```python
    def negative_elbo(edges, trace):
        return loss(edges) + posterior.log_prob(trace) - prior.log_prob(trace)

    expect_trace(negative_elbo, posterior, estimator=LeaveOneOut(4), key=key)
    ```

    Where `fn` closes over the rates of `structure`, as here, that part of the gradient is pathwise. A divergence of
    less variance: `vestige.structures.kl` and `kl_estimate`.

    **Arguments:**

    - `fn`: takes the value of a draw, held fixed, and its trace, and returns a scalar.
    - `structure`, `estimator`, `key`, `context`, `has_aux`, `batched`, `infeasible`: as for `expect`. Estimators that
        see the set alone (`SetScore`, `GivenSet`) or a relaxed value do not know the trace, and refuse.

    **Returns:** as `expect`.

    **Raises:** as `expect`.

    Time: that of `expect`; estimators that list traces (`Exact`, `WithoutReplacement`) run the algorithm once more for
    each of them.
    """
    if isinstance(structure, Batch):
        options = {"estimator": estimator, "has_aux": has_aux, "batched": batched, "infeasible": infeasible}
        return of_rows(expect_trace, fn, structure, key=key, context=context, **options)
    one = racing(structure, "expect_trace")

    def arguments(trace: AbstractTrace, keys: tuple[Key, ...]) -> tuple[Array, AbstractTrace]:
        return one.value(trace), trace

    cost = _cost(fn, one, arguments, batched, has_aux, infeasible, None)
    return estimated(cost, ByTrace.of(one), estimator=estimator, key=key, context=context)


def expect_draw(
    fn: Callable[[Drawn], Any],
    structure: Distributions,
    *,
    estimator: AbstractEstimator,
    key: Key,
    context: Any = None,
    has_aux: bool = False,
    batched: bool = False,
    infeasible: float | None = None,
) -> Any:
    """E[fn(draw)] for a draw from `structure`: of its value, trace, log-probability, and a key of its own.

    ```python
    def cost(draw):
        noisy = decoder(draw.value, key=draw.key)
        return loss(noisy) + 0.1 * draw.log_prob, {"size": jnp.sum(draw.value)}

    estimate, aux = expect_draw(cost, tree, estimator=LeaveOneOut(4), key=key, has_aux=True)
    ```

    **Arguments:**

    - `fn`: takes a [`Drawn`][vestige.estimators.Drawn] and returns a scalar, whose mean over the noise counts too.
    - `structure`, `estimator`, `key`, `context`, `has_aux`, `batched`, `infeasible`: as for `expect`; with `batched`
        every array of the `Drawn`, keys included, has the axis of the draws first.

    **Returns:** as `expect`.

    **Raises:** as `expect`; estimators that do not know the trace refuse, as for `expect_trace`.

    Time: as `expect_trace`.
    """
    if isinstance(structure, Batch):
        options = {"estimator": estimator, "has_aux": has_aux, "batched": batched, "infeasible": infeasible}
        return of_rows(expect_draw, fn, structure, key=key, context=context, **options)
    one = racing(structure, "expect_draw")

    def arguments(trace: AbstractTrace, keys: tuple[Key, ...]) -> tuple[Drawn]:
        return (Drawn(one.value(trace), trace, one.log_prob(trace), *keys),)

    key_draws, key_costs = jax.random.split(key)
    cost = _cost(fn, one, arguments, batched, has_aux, infeasible, key_costs)
    return estimated(cost, ByTrace.of(one), estimator=estimator, key=key_draws, context=context)


def _cost(
    fn: Callable[..., Any],
    structure: AbstractStructure,
    arguments: Callable[[AbstractTrace, tuple[Key, ...]], tuple[Any, ...]],
    batched: bool,
    has_aux: bool,
    infeasible: float | None,
    key: Key | None,
) -> Evaluation:
    """`fn` as a cost of what `ByTrace` takes for a value: the winners, of which the trace is made again."""

    def of_winners(winners: Float[Array, " steps"], *keys: Key) -> tuple[Any, ...]:
        return arguments(structure.replay(winners.astype(jnp.int32)), keys)

    infeasible = finite_or_none(infeasible)
    options = {"batched": batched, "has_aux": has_aux, "infeasible": infeasible, "key": key}
    return Evaluation(fn, of_winners, of_trace=lambda trace, *keys: arguments(trace, keys), **options)
