"""Structures of which all races, unlike all traces, are few."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.numerics import log_add, logsumexp
from vestige.structures.binary_tree import BinaryTree
from vestige.structures.categorical import Categorical
from vestige.structures.choices import Choices
from vestige.structures.contract import AbstractStructure


class Races(NamedTuple):
    """The candidate sets that may occur, with a leading axis.

    A trace is a race for each of some of these sets, and so whatever is a sum over the races of a trace has a mean in
    closed form: entropy, divergence, and how often a key wins.
    """

    log_probs: Float[Array, " races"]
    """Logarithm of the probability that a race of exactly these candidates is held, differentiable in the rates."""
    candidates: Bool[Array, "races keys"]
    """Keys, flattened."""


@functools.singledispatch
def races_of(structure: AbstractStructure) -> Races | None:
    """The races of a `structure` if they are few; None for a structure of which that is not known."""
    return None


@races_of.register
def _(structure: Categorical) -> Races:
    rates = structure.log_rates
    return Races(jnp.zeros(1, rates.dtype), jnp.ones((1, rates.shape[0]), bool))


@races_of.register
def _(structure: Choices) -> Races:
    rows, options = structure.log_rates.shape
    own = jnp.repeat(jnp.eye(rows, dtype=bool), options, axis=1)
    return Races(jnp.zeros(rows, structure.log_rates.dtype), own)


@races_of.register
def _(structure: BinaryTree) -> Races:
    left, right = segments(structure)
    n = structure.log_rates.shape[0]
    inside = between(n)
    held = log_add(left, right).at[0, n + 1].set(0.0)  # the root's race is always held
    return Races(held.reshape(-1), inside.reshape(-1, n))


def between(n: int) -> Bool[Array, "ends ends positions"]:
    """Entry (a, b, k): whether position k of `n` lies strictly between the ends a - 1 and b - 1."""
    end, place = jnp.arange(n + 2, dtype=jnp.int32), jnp.arange(1, n + 1, dtype=jnp.int32)
    return (end[:, None, None] < place[None, None]) & (place[None, None] < end[None, :, None])


def segments(structure: BinaryTree) -> tuple[Float[Array, "ends ends"], Float[Array, "ends ends"]]:
    """How likely it is that the positions strictly between two ends of a `structure` race for the place below one of
    them.

    The ends are a - 1 and b - 1 for the indices a < b from 0 to n + 1. They enclose a race if and only if both arrive
    before all that lies between them; the later of the two is the parent of the winner.

    **Returns:** logarithms of the probability that the left end is the parent, and that the right end is; -inf for
    indices that enclose nothing.
    """
    rates = structure.log_rates
    n = rates.shape[0]
    end = jnp.arange(n + 2, dtype=jnp.int32)
    inside = between(n)
    place = jnp.arange(1, n + 1, dtype=jnp.int32)
    with_left = inside | (place[None, None] == end[:, None, None])
    with_right = inside | (place[None, None] == end[None, :, None])
    everybody = jnp.broadcast_to(rates, inside.shape)
    padded = jnp.pad(rates, 1, constant_values=-jnp.inf)
    in_left, in_right, in_both = (
        logsumexp(everybody, 2, who) for who in (with_left, with_right, with_left | with_right)
    )

    def share(own: Array, total: Array) -> Array:
        there = jnp.broadcast_to(own, total.shape) > -jnp.inf
        return jnp.where(there, jnp.where(there, own, 0.0) - jnp.where(there, total, 0.0), -jnp.inf)

    first_left, first_right = share(padded[:, None], in_both), share(padded[None, :], in_both)
    # An end outside the sequence has arrived before everybody.
    left_is_parent = jnp.where(end[None, :] == n + 1, 0.0, first_right) + share(padded[:, None], in_left)
    right_is_parent = jnp.where(end[:, None] == 0, 0.0, first_left) + share(padded[None, :], in_right)
    some = jnp.any(inside & (everybody > -jnp.inf), axis=2)
    return jnp.where(some, left_is_parent, -jnp.inf), jnp.where(some, right_is_parent, -jnp.inf)


def log_shares(structure: AbstractStructure, races: Races) -> Float[Array, "races keys"]:
    """For each of the `races` of a `structure` the log-probability of each key to win it, once it is held; -inf for
    everybody else."""
    rates = jnp.broadcast_to(structure.log_rates.reshape(-1), races.candidates.shape)
    total = logsumexp(rates, 1, races.candidates)[:, None]
    there = races.candidates & (rates > -jnp.inf)
    total = jnp.broadcast_to(jnp.where(total > -jnp.inf, total, 0.0), rates.shape)
    return jnp.where(there, jnp.where(there, rates, 0.0) - total, -jnp.inf)


def mean_over_races(races: Races, of_race: Float[Array, " races"]) -> Float[Array, ""]:
    """The mean of the sum of `of_race` over those of the `races` that are held."""
    held = races.log_probs > -jnp.inf
    return jnp.sum(jnp.where(held, jnp.exp(jnp.where(held, races.log_probs, 0.0)) * of_race, 0.0))


def gain(log_shares: Float[Array, "*rows"], of: Float[Array, "*rows"]) -> Float[Array, "*rows"]:
    """Elementwise p · `of` for `log_shares` = log p, where 0 · anything is 0, with gradient zero."""
    there = log_shares > -jnp.inf
    return jnp.where(there, jnp.exp(jnp.where(there, log_shares, 0.0)) * jnp.where(there, of, 0.0), 0.0)
