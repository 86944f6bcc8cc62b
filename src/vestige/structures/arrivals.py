"""In which place items arrive: integrals over the time, exact to rounding."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.numerics import logsumexp

BELOW = 1.1  # of a time no item has arrived by, in units of the logarithm of the precision
ABOVE = 4.0  # of the logarithm of a time by which all have, in units of the slowest item's mean
TOLERANCE = 1e-4


def place_probabilities(log_rates: Float[Array, " items"], places: int) -> Float[Array, "places items"]:
    """P(item i is the s-th to arrive) = ∫ λ_i exp(-λ_i t) P(exactly s - 1 of the others arrive before t) dt.

    The number of arrivals is a sum of independent trials; its law is a polynomial, multiplied up item by item from
    positive numbers. In log t the integrand is analytic and falls off on both sides, so that the trapezoid rule
    converges exponentially. O(nodes · items · places²) time with about 500 nodes; differentiable.

    **Arguments:**

    - `log_rates`: (items,), -inf for an item that never arrives.
    - `places`: how many, static.

    **Returns:** (places, items); a row for each place, which sums to one, or to zero where fewer items can arrive.
    NaN where the nodes do not suffice: for log-rates that span hundreds.
    """
    weights, density, times = time_nodes(log_rates, places)

    def at(weight: Array, log_time: Array) -> Array:
        left, taken = _trial(log_rates, log_time)
        without = jax.jacrev(lambda left: _arrived(left, taken, places))(left)  # each item left out in turn
        return weight * without * density(log_time)[None, :]

    found = jnp.sum(jax.vmap(at)(weights, times), axis=0)
    can = jnp.arange(places, dtype=jnp.int32) < jnp.sum(log_rates > -jnp.inf, dtype=jnp.int32)
    return _normalised(found, jnp.sum(found, axis=1, keepdims=True), can[:, None])


def first_k_moments(log_rates: Float[Array, " items"], k: int | Int[Array, ""], max_k: int) -> tuple[Array, Array]:
    """P(i is among the first k to arrive), and P(i and j both are).

    Both are derivatives of ∫ Σ_m w_m λ_m exp(-λ_m t) [z^{k-1}] Π_{j ≠ m} (exp(-λ_j t) + w_j (1 - exp(-λ_j t)) z) dt at
    w = 1, m the last of the k: the law of the set is the part of it that is linear in the w of its members. O(500 ·
    items² · max_k) time.

    **Arguments:**

    - `log_rates`: (items,), -inf for an item that never arrives.
    - `k`: how many, from 0 to `max_k`, which is static.

    **Returns:** (items,) and (items, items), with the former on the diagonal; zeros where fewer than k can arrive; NaN
    as `place_probabilities`.
    """
    weights, density, times = time_nodes(log_rates, max_k)
    before = jnp.maximum(k - 1, 0)

    def integral(w: Array) -> Array:
        def at(weight: Array, log_time: Array) -> Array:
            left, taken = _trial(log_rates, log_time)
            counts = lambda left: _arrived(left, w * taken, max_k)[before]
            return weight * jax.jvp(counts, (left,), (w * density(log_time),))[1]

        return jnp.sum(jax.vmap(at)(weights, times))

    ones = jnp.ones_like(log_rates)
    (total, single), pairs = jax.value_and_grad(integral)(ones), jax.hessian(integral)(ones)
    can = (jnp.sum(log_rates > -jnp.inf, dtype=jnp.int32) >= k) & (k > 0)
    off = 1.0 - jnp.eye(log_rates.shape[0], dtype=log_rates.dtype)
    both = pairs * off + jnp.diag(single)
    return _normalised(single, total[None], can[None]), _normalised(both, total[None, None], can[None, None])


def time_nodes(
    log_rates: Float[Array, " items"], places: int
) -> tuple[Float[Array, " nodes"], Callable[[Array], Array], Float[Array, " nodes"]]:
    """Where the trapezoid rule for integrals over the logarithm of a time is evaluated.

    **Arguments:**

    - `log_rates`: (items,), -inf for an item that never arrives.
    - `places`: how many arrivals the integrand counts; static, it sets the number of nodes.

    **Returns:** weights; a function from a node to the densities of the items, of arriving just then; the nodes.
    """
    there = log_rates > -jnp.inf
    held = jax.lax.stop_gradient(log_rates)
    precision = -BELOW * math.log(jnp.finfo(log_rates.dtype).eps)
    low = -logsumexp(held, 0) - precision
    slowest = jnp.min(jnp.where(there, held, jnp.inf), initial=jnp.inf)
    high = -slowest + ABOVE + math.log(max(log_rates.shape[0], 1))
    some = jnp.any(there)
    low, high = jnp.where(some, low, 0.0), jnp.where(some, high, 1.0)
    count = 400 + 80 * math.isqrt(places)
    step = (high - low) / count
    times = low + step * jnp.arange(count + 1).astype(log_rates.dtype)

    def density(log_time: Array) -> Array:
        x = jnp.where(there, log_rates, 0.0) + log_time
        return jnp.where(there, jnp.exp(x - jnp.exp(x)), 0.0)

    return jnp.broadcast_to(step, times.shape), density, times


def log_arrived(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log(1 - exp(-exp(x))): of having arrived, for `x` the logarithm of rate times time. Exact for tiny ones."""
    share = jnp.exp(x)
    tiny = share < 1e-4
    return jnp.where(tiny, x - 0.5 * share, jnp.log(-jnp.expm1(-jnp.where(tiny, 1.0, share))))


def _trial(log_rates: Array, log_time: Array) -> tuple[Array, Array]:
    """For each item the probability that it has not arrived by then, and that it has."""
    there = log_rates > -jnp.inf
    gone = jnp.exp(jnp.where(there, log_rates, 0.0) + log_time)
    return jnp.where(there, jnp.exp(-gone), 1.0), jnp.where(there, -jnp.expm1(-gone), 0.0)


def _arrived(left: Array, taken: Array, counts: int) -> Array:
    """The probabilities that exactly 0, 1, … of the items have arrived, up to `counts` - 1."""

    def item(count: Array, one: tuple[Array, Array]) -> tuple[Array, None]:
        left, taken = one
        return count * left + jnp.pad(count[:-1], (1, 0)) * taken, None

    return jax.lax.scan(item, jnp.zeros(counts, left.dtype).at[0].set(1.0), (left, taken))[0]


def _normalised(found: Array, total: Array, can: Array) -> Array:
    """Over the total, which is one but for rounding; NaN where it is not; zero where there is nothing."""
    near = jnp.abs(total - 1.0) <= TOLERANCE
    share = found / jnp.where(near, total, 1.0)
    return jnp.where(can, jnp.where(near, share, jnp.nan), 0.0)
