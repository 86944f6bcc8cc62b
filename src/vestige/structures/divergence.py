"""Entropy of structures and divergence between them: of the arrival times, of the traces, of the values."""

import dataclasses
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.debug import require
from vestige.structures import exact
from vestige.structures.attached import attached
from vestige.structures.binary_tree import BinaryTree
from vestige.structures.categorical import Categorical
from vestige.structures.choices import Choices
from vestige.structures.contract import AbstractStructure, flagged
from vestige.structures.enumerated_values import on_values
from vestige.structures.permutation import Permutation
from vestige.structures.races import gain, log_shares, mean_over_races, races_of
from vestige.structures.subset import Subset
from vestige.typing import Key

Level = Literal["times", "trace", "value"]

ONE_TRACE = (Categorical, Choices, Permutation, BinaryTree)
"""Structures of which trace and value are the same thing."""


def entropy(structure: AbstractStructure, *, level: Level = "trace") -> Float[Array, ""]:
    """Entropy, exactly.

    **Arguments:**

    - `structure`: for "trace" a `Categorical`, a `Choices` or a `BinaryTree` of any size, otherwise a small one: about
        five nodes.
    - `level`: of what: "trace"; "value", all traces that lead to each summed; "times", the differential entropy
        Σ 1 - log λ of the arrival times of all keys that are there, which may be negative.

    **Returns:** one number, nats, differentiable in the rates. It never grows from trace to value.

    **Raises:** `ValueError` beyond 200,000 traces (`entropy_estimate` takes any size), and where rates of zero make
    traces end early; compiled, it is then NaN.
    """
    level = _level(structure, level, "entropy")
    if level == "times":
        there = structure.log_rates > -jnp.inf
        return jnp.sum(jnp.where(there, 1.0 - jnp.where(there, structure.log_rates, 0.0), 0.0))
    races = races_of(structure) if level == "trace" else None
    if races is not None:
        shares = log_shares(structure, races)
        return flagged(-mean_over_races(races, jnp.sum(gain(shares, shares), axis=1)), structure.usable)
    log_probs = exact.enumerate_traces(structure).log_probs if level == "trace" else on_values(structure)[1][0]
    log_probs, valid = exact.whole(log_probs, structure, "entropy")
    return flagged(-jnp.sum(gain(log_probs, log_probs)), valid)


def kl(q: AbstractStructure, p: AbstractStructure, *, level: Level = "trace") -> Float[Array, ""]:
    """The divergence KL(q ‖ p) = E_q[log q - log p], exactly.

    By the data processing inequality KL(value) ≤ KL(trace) ≤ KL(times) (notes, section 3.5). Lower bounds are
    comparable only if they subtract the same of them: the one of trees in "stochastic softmax tricks" is that of times,
    every undirected edge counted twice. Here each counts once.

    **Arguments:**

    - `q`, `p`: structures of one class, size and mask, which differ in their rates alone. For "trace" a `Categorical`,
        a `Choices` or a `BinaryTree` of any size, otherwise small ones: about five nodes.
    - `level`: "times": of all arrival times, in closed form: Σ_k log(λ_k/μ_k) + μ_k/λ_k - 1, in O(keys), for any size;
        "trace"; "value": all traces that lead to each summed; for a `Subset` of up to 200,000 sets.

    **Returns:** one number, nats, differentiable in both. +inf where q can do what p cannot, and for times also where p
    has a key that q has not; its gradient is then undefined.

    **Raises:** `TypeError` for structures of different classes; `ValueError` for other sizes, options or masks; beyond
    200,000 traces (`kl_estimate` takes any size); where rates of zero in `q` make traces end early. Compiled, it is NaN
    where masks or rates are wrong.
    """
    q, p = _alike(q, p, "kl")
    level = _level(q, level, "kl")
    if level == "times":
        return _kl_of_times(q, p)
    races = races_of(q) if level == "trace" else None
    if races is not None:
        shares = log_shares(q, races)
        usable = q.usable & p.usable
        return flagged(mean_over_races(races, jnp.sum(gain(shares, shares - log_shares(p, races)), axis=1)), usable)
    if level == "trace":
        traces, _, there = exact.listed(q, (q.log_rates != -jnp.inf) | (p.log_rates != -jnp.inf))
        log_q, log_p = exact.log_probs_of(q, traces, there), exact.log_probs_of(p, traces, there)
    else:
        log_q, log_p = on_values(q, p)[1]
    log_q, valid = exact.whole(log_q, q, "kl")
    return flagged(jnp.sum(gain(log_q, log_q - log_p)), valid & p.usable)


def entropy_estimate(structure: AbstractStructure, *, draws: int, key: Key) -> Float[Array, ""]:
    """Entropy of the trace distribution, the mean of -log p(T) over draws.

    Unbiased, and so is its gradient (leave-one-out over the same draws, for two or more). Of first order: a second
    derivative raises `TypeError`.

    **Arguments:**

    - `structure`: of any size.
    - `draws`: how many, static.

    **Returns:** one number, nats; NaN where a draw is not valid.

    **Raises:** `ValueError` where the rates admit no whole structure.
    """
    frozen = jax.lax.stop_gradient(structure)
    drawn = jax.vmap(lambda k: frozen.sample(key=k))(jax.random.split(key, draws))
    log_probs = jax.vmap(structure.log_prob)(drawn.trace)
    still = jax.lax.stop_gradient(log_probs)
    others = (jnp.sum(still) - still) / max(draws - 1, 1)
    # The gradient of -E log p is -E[log p ∇log p]: the expected score itself is zero.
    return flagged(attached(-jnp.mean(still), log_probs, (others - still) / draws), jnp.all(drawn.valid))


def kl_estimate(q: AbstractStructure, p: AbstractStructure, *, draws: int, key: Key) -> Float[Array, ""]:
    """The divergence of traces KL(q ‖ p), from draws of q: every race of a trace gives its divergence exactly.

    The mean over draws of Σ_s Σ_{k ∈ P_s} λ_k/Λ_s (log λ_k/Λ_s - log μ_k/M_s). Never negative, of no more variance than
    log q(T) - log p(T), whose mean given the past each term is. Unbiased, and so are its gradients: pathwise, and for
    q's choice of races by the score with the mean of the other draws as baseline. Of first order: a second derivative
    raises `TypeError`.

    **Arguments:**

    - `q`, `p`: structures of one class, size and mask, of any size.
    - `draws`: how many, static; from two on a baseline is taken from the others.

    **Returns:** one number, nats; +inf where a race could be won by a key that p has not; NaN where a draw is not
    valid. The work of so many draws.

    **Raises:** as `kl`, and `ValueError` where q admits no whole structure or `draws` is below 1.
    """
    if draws < 1:
        raise ValueError(f"kl_estimate: draws must be at least 1, got {draws}")
    q, p = _alike(q, p, "kl_estimate")
    frozen = jax.lax.stop_gradient(q)
    drawn = jax.lax.stop_gradient(jax.vmap(lambda k: frozen.sample(key=k))(jax.random.split(key, draws)))
    here, there = q.log_rates > -jnp.inf, p.log_rates > -jnp.inf
    rates = jnp.where(here & there, q.log_rates, -jnp.inf)
    lost = jnp.where(here & ~there, 0.0, -jnp.inf).astype(rates.dtype)
    ratio = jnp.where(here & there, jnp.where(here, q.log_rates, 0.0) - jnp.where(there, p.log_rates, 0.0), 0.0)

    def one(trace):
        won = trace.winners >= 0
        # The derivative of log Λ_s by the log-rates is the share of each candidate.
        totals, mean_ratio = jax.jvp(lambda x: jnp.where(won, trace.log_totals(x), 0.0), (rates,), (ratio,))
        prior = jnp.where(won, trace.log_totals(p.log_rates), 0.0)
        missing = jnp.any(won & (trace.log_totals(lost) > -jnp.inf))  # candidates of q that p has not
        divergence = jnp.sum(mean_ratio - totals + prior)
        return jnp.where(missing, jnp.inf, divergence), q.log_prob(trace)

    divergences, log_probs = jax.vmap(one)(drawn.trace)
    still = jax.lax.stop_gradient(divergences)
    others = (jnp.sum(still) - still) / max(draws - 1, 1)
    estimate = attached(jnp.mean(divergences), log_probs, (still - others) / draws, divergences)
    return flagged(estimate, jnp.all(drawn.valid) & p.usable)


def _kl_of_times(q: AbstractStructure, p: AbstractStructure) -> Float[Array, ""]:
    here, there = q.log_rates > -jnp.inf, p.log_rates > -jnp.inf
    both = here & there
    above = jnp.where(both, jnp.where(here, q.log_rates, 0.0) - jnp.where(there, p.log_rates, 0.0), 0.0)
    total = jnp.where(jnp.any(here != there), jnp.inf, jnp.sum(above + jnp.expm1(-above)))
    return flagged(total, q.usable & p.usable)


def _level(structure: AbstractStructure, level: str, owner: str) -> Level:
    """The `level`, with "value" replaced by "trace" where they are the same."""
    if level not in ("times", "trace", "value"):
        raise ValueError(f'{owner}: level must be "times", "trace" or "value", got {level!r}')
    return "trace" if level == "value" and isinstance(structure, ONE_TRACE) else level


def _alike(q: AbstractStructure, p: AbstractStructure, owner: str) -> tuple[AbstractStructure, AbstractStructure]:
    """The two, if they differ in their rates alone."""
    if type(q) is not type(p):
        raise TypeError(f"{owner}: both must be of one class, got {type(q).__name__} and {type(p).__name__}")
    name = type(q).__name__
    if q.log_rates.shape != p.log_rates.shape:
        raise ValueError(
            f"{owner}: both must be of one size, got a {name} with log_rates of shape {q.log_rates.shape} and one of "
            f"shape {p.log_rates.shape}"
        )
    for field in dataclasses.fields(q):
        mine, other = getattr(q, field.name), getattr(p, field.name)
        if field.metadata.get("static") and mine != other:
            option = "k" if isinstance(q, Subset) and q.count is None else field.name
            raise ValueError(
                f"{owner}: both must have the same options, got a {name} with {option} = {mine!r} and one with "
                f"{other!r}"
            )
    if isinstance(q, Subset) and isinstance(p, Subset):
        same = jnp.asarray(q.k == p.k)
        p = require(p, same, f"{owner}: the k of the two differ, so that they are over different sets. Use one k.")
        q, p = (one.with_log_rates(flagged(one.log_rates, same)) for one in (q, p))
    some = q.mask if p.mask is None else p.mask
    if some is None:
        return q, p
    masks = [jnp.ones_like(some) if one.mask is None else one.mask for one in (q, p)]
    same = jnp.all(masks[0] == masks[1])
    p = require(p, same, f"{owner}: the masks of the two differ, so that they are over different values. Use one mask.")
    return _with_mask(q, masks[0], same), _with_mask(p, masks[1], same)


def _with_mask(structure: AbstractStructure, mask: Array, valid: Array) -> AbstractStructure:
    """With this mask, and with rates that are NaN unless `valid`."""
    rates = jnp.where(valid, structure.log_rates, jnp.nan)
    none = lambda leaf: leaf is None
    return eqx.tree_at(lambda one: one.mask, structure.with_log_rates(rates), mask, is_leaf=none)
