"""Subsets whatever the order of arrival: the probability of a set, and arrival times given the set."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.numerics import log_add, log_difference, log_exponential, logsumexp
from vestige.structures.arrivals import log_arrived
from vestige.structures.contract import absent, flagged
from vestige.structures.subset import Subset
from vestige.typing import Key

STEP = 0.2
BELOW, ABOVE = -45.0, 5.0  # of the logarithm of the first arrival outside, in units of its mean
BISECTIONS = 24  # a bracket of 50 becomes 3e-6; the Newton step after them does the rest


def subset_log_prob(subset: Subset, value: Float[Array, " items"]) -> Float[Array, ""]:
    """log p(X) of a set, its k! orders summed: log ∫ Π_{i ∈ X} (1 - exp(-λ_i t)) Λ exp(-Λ t) dt, where t is the time
    of the first arrival outside X and Λ the total rate there.

    In log t the integrand is analytic and falls off on both sides, so that the trapezoid rule converges exponentially:
    exact to rounding with 50 √k nodes or 250, for rates of any size. O(50 n √k) time; differentiable in the rates.
    (Kool et al. 2020, appendix, in another variable.)

    **Arguments:**

    - `subset`: the distribution, k of n items.
    - `value`: (n,), the set as an indicator: positive for its members.

    **Returns:** one number, nats; -inf for an array that does not mark k possible items; NaN where a log-rate is NaN or
    +inf.
    """
    inside = value > 0
    outside = logsumexp(subset.log_rates, 0, ~inside)
    right = (jnp.sum(inside) == subset.k) & ~jnp.any(inside & (subset.log_rates == -jnp.inf))
    alone = outside == -jnp.inf
    relative = _relative(subset, inside, outside)
    log_prob = jnp.where(right, jnp.where(alone, 0.0, _log_whole(relative, inside, subset.max_k)), -jnp.inf)
    return flagged(jnp.where(absent(subset.mask) & ~jnp.any(inside), 0.0, log_prob), subset.usable)


def subset_posterior(subset: Subset, value: Float[Array, " items"], *, key: Key) -> Float[Array, " items"]:
    """Logarithms of arrival times given the set: `subset.solve` makes the same set of them, in any order.

    The first arrival outside is drawn by inverting its distribution function, those inside below it, and those outside
    after it; differentiable in the rates, without jumps. O(1500 n √k) time.

    **Arguments:**

    - `subset`: the distribution, k of n items.
    - `value`: (n,), the set as an indicator: positive for its members.

    **Returns:** (n,), +inf for items of rate zero. For an array that does not mark k possible items the times mean
    nothing; nothing is raised.
    """
    key_first, key_noise = jax.random.split(key)
    inside = value > 0
    present = subset.log_rates > -jnp.inf
    rates = jnp.where(present, subset.log_rates, 0.0)
    outside = logsumexp(subset.log_rates, 0, ~inside)
    alone = outside == -jnp.inf
    log_u = -jnp.exp(log_exponential((), rates.dtype, key=key_first))
    first = _quantile(_relative(subset, inside, outside), inside, subset.max_k, log_u) - jnp.where(alone, 0.0, outside)
    noise = log_exponential(rates.shape, rates.dtype, key=key_noise)
    free = noise - rates
    # The earliest of those outside is put at `first`; what the others have beyond it is as it was.
    outer = present & ~inside
    earliest = jnp.min(jnp.where(outer, free, jnp.inf))
    after = outer & (free > earliest)
    earliest = jnp.broadcast_to(jnp.where(alone, 0.0, earliest), free.shape)
    beyond = log_difference(jnp.where(after, free, earliest + 1), earliest)
    times = jnp.where(after, log_add(jnp.broadcast_to(first, free.shape), beyond), first)
    times = jnp.where(inside & ~alone, first + _log_share(noise, rates + first), times)
    times = jnp.where(inside & alone, free, times)
    return jnp.where(present, times, jnp.inf)


def _relative(subset: Subset, inside: Bool[Array, " items"], outside: Float[Array, ""]) -> Float[Array, " items"]:
    """Logarithms of the rates inside over the total rate outside."""
    return jnp.where(inside & (subset.log_rates > -jnp.inf), subset.log_rates, 0.0) - jnp.where(
        outside == -jnp.inf, 0.0, outside
    )


def _log_density(
    relative: Float[Array, " items"], inside: Bool[Array, " items"], x: Float[Array, " nodes"]
) -> Float[Array, " nodes"]:
    """Of x = log Λt, not normalised: its integral is p(X)."""
    arrived = log_arrived(relative[None, :] + x[:, None])
    return jnp.sum(jnp.where(inside[None, :], arrived, 0.0), axis=1) + x - jnp.exp(x)


def _step(k: int) -> float:
    """The density is as narrow as 1/√(k + 1)."""
    return min(STEP, 1.0 / (k + 1) ** 0.5)


def _log_whole(relative: Float[Array, " items"], inside: Bool[Array, " items"], k: int) -> Float[Array, ""]:
    step = _step(k)
    above = ABOVE + math.log(k)
    nodes = jnp.arange(BELOW, above, step).astype(relative.dtype)
    return logsumexp(_log_density(relative, inside, nodes), 0) + jnp.log(jnp.asarray(step, relative.dtype))


def _log_below(
    relative: Float[Array, " items"], inside: Bool[Array, " items"], k: int, x: Float[Array, ""]
) -> Float[Array, ""]:
    """The integral up to x, over w with y = x - log(1 + e^w): it falls off on both sides as well."""
    step = _step(k)
    nearest = math.log(jnp.finfo(relative.dtype).eps) - 2
    nodes = jnp.arange(nearest, -BELOW, step).astype(relative.dtype)
    terms = _log_density(relative, inside, x - jax.nn.softplus(nodes)) + jax.nn.log_sigmoid(nodes)
    return logsumexp(terms, 0) + jnp.log(jnp.asarray(step, relative.dtype))


def _quantile(
    relative: Float[Array, " items"], inside: Bool[Array, " items"], k: int, log_u: Float[Array, ""]
) -> Float[Array, ""]:
    """x where the distribution function is u, by bisection and a Newton step, which also carries the gradient."""
    held = jax.lax.stop_gradient(relative)
    target = log_u + _log_whole(held, inside, k)

    def halve(bracket: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        low, high = bracket
        middle = 0.5 * (low + high)
        less = _log_below(held, inside, k, middle) < target
        return (jnp.where(less, middle, low), jnp.where(less, high, middle)), None

    ends = jnp.asarray(BELOW, held.dtype), jnp.asarray(ABOVE + math.log(k), held.dtype)
    (low, high), _ = jax.lax.scan(halve, ends, length=BISECTIONS)
    found = jax.lax.stop_gradient(0.5 * (low + high))
    below = _log_below(relative, inside, k, found)
    log_slope = _log_density(held, inside, found[None])[0] - jax.lax.stop_gradient(below)
    step = (below - _log_whole(relative, inside, k) - log_u) * jnp.exp(-log_slope)
    near = jax.lax.stop_gradient(jnp.clip(step, low - high, high - low) - step)  # rounding where the slope is nearly 0
    return found - (step + near)


def _log_share(noise: Float[Array, " items"], x: Float[Array, " items"]) -> Float[Array, " items"]:
    """The logarithm of E/t for E exponential of rate λ below t, x = log λt, made of the noise of an exponential."""
    u = -jnp.expm1(-jnp.exp(noise))
    tiny = x < -12.0
    load = jnp.exp(jnp.where(tiny, 0.0, x))
    spread = jnp.log(-jnp.log1p(jnp.maximum(u * jnp.expm1(-load), -1 + jnp.finfo(u.dtype).eps))) - jnp.log(load)
    return jnp.where(tiny, jnp.log(u), spread)
