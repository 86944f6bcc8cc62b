"""The structures under test: a new member adds one line to CASES. Compiled functions are shared by all tests."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.numerics import logsumexp
from vestige.structures import (
    Arborescence,
    BinaryTree,
    Categorical,
    Choices,
    Labelled,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
)
from vestige.structures.contract import rows_of_options
from vestige.structures.recursion import play, traces

N = 4
DRAWS = 20_000


class Case(NamedTuple):
    make: Callable[..., Any]
    keys: str
    """What the log-rates are: "vector", "square", "symmetric" or "rows" of two."""
    whole: int
    """The largest size whose traces are listed in full."""

    def shape(self, n: int) -> tuple[int, ...]:
        return {"vector": (n,), "rows": (n, 2)}.get(self.keys, (n, n))

    def among(self, nodes: np.ndarray) -> tuple:
        """The index that picks the keys of these nodes out of an array of keys."""
        if self.keys == "vector":
            return (nodes,)
        return np.ix_(nodes, np.arange(2) if self.keys == "rows" else nodes)

    def seen(self, mask: np.ndarray) -> np.ndarray:
        """The keys of the nodes in the mask, nodes in the last axis."""
        if self.keys == "vector":
            return mask
        return mask[..., :, None] & (np.ones(2, bool) if self.keys == "rows" else mask[..., None, :])

    def rates(self, n: int, *batch: int, seed: int = 0, scale: float = 1.0, dtype: Any = np.float64) -> np.ndarray:
        """Normal log-rates; enough for every case to be whole."""
        x = scale * np.random.default_rng(seed).normal(size=(*batch, *self.shape(n)))
        return self.tidy(x).astype(dtype)

    def tidy(self, x: np.ndarray) -> np.ndarray:
        """Made symmetric, if it has to be."""
        if self.keys != "symmetric":
            return x
        half = np.triu(np.ones(x.shape[-2:], bool), 1)
        return np.where(half, x, np.swapaxes(np.where(half, x, 0), -1, -2))


def labelled_subset(log_rates, *, mask=None):
    """Of rates of items and labels together, checked as a structure does."""
    rows_of_options(log_rates, "Labelled")
    log_rates = log_rates if mask is None else jnp.where(mask[:, None], log_rates, 0.0)
    return Labelled(Subset(logsumexp(log_rates, 1), 2, mask=mask), log_rates)


CASES = {
    "categorical": Case(Categorical, "vector", 5),
    "choices": Case(Choices, "rows", 5),
    "subset": Case(functools.partial(Subset, k=2), "vector", 5),
    "labelled subset": Case(labelled_subset, "rows", 4),
    "permutation": Case(Permutation, "vector", 5),
    "spanning tree": Case(SpanningTree, "symmetric", 5),
    "arborescence": Case(Arborescence, "square", 4),
    "arborescence, root 1": Case(functools.partial(Arborescence, root=1), "square", 4),
    "arborescence, free root": Case(functools.partial(Arborescence, root=None), "square", 4),
    "arborescence, one arc from the root": Case(functools.partial(Arborescence, multiroot=False), "square", 4),
    "binary tree": Case(BinaryTree, "vector", 5),
    "matching": Case(Matching, "square", 4),
}


OTHERWISE_ROOTED = {
    "arborescence, root 1",
    "arborescence, free root",
    "arborescence, one arc from the root",
    "labelled subset",
}
once_each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in OTHERWISE_ROOTED)) for name in CASES]
)
"""For tests in which another root is another option of the same code: slow there."""

QUICK = {"subset", "spanning tree"}
quick_first = pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
"""Every structure, but only some of them in the quick run: for tests of many draws, or of code they share."""


def compiled(function: Callable) -> Callable:
    """`function(name, ...)`, compiled once for each name (and shape) in the whole session."""

    @functools.cache
    def of(name: str) -> Callable:
        return eqx.filter_jit(functools.partial(function, name))

    return lambda name, *arguments: of(name)(*arguments)


def listed(name: str, n: int, log_rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The winners of every trace there is, -1 for no step, and log p of each by the formula."""
    recursion = recursion_of(name, n)
    steps = {"categorical": 1, "subset": 2, "labelled subset": 2, "spanning tree": n - 1}.get(
        name, 2 * n if "arb" in name else n
    )
    found = list(traces(recursion))
    rates = np.exp(np.asarray(log_rates, np.float64)).ravel()
    winners, log_probs = np.full((len(found), steps), -1, np.int32), np.zeros(len(found))
    totals: dict[frozenset, float] = {}
    for row, trace in enumerate(found):
        for step, (candidates, winner) in trace.items():
            if candidates not in totals:
                totals[candidates] = np.log(sum(rates[key] for key in candidates))
            winners[row, step] = winner
            log_probs[row] += np.log(rates[winner]) - totals[candidates]
    return winners, log_probs


@functools.cache
def recursion_of(name: str, n: int):
    """The algorithm in plain Python."""
    return CASES[name].make(jnp.zeros(CASES[name].shape(n))).recursion()


def played(name: str, n: int, times: np.ndarray) -> dict:
    return play(recursion_of(name, n), times.ravel().tolist())


def mean_is(samples: np.ndarray, expected: Any, errors: float = 4.0) -> None:
    """Within this many standard errors, coordinate by coordinate."""
    samples = np.asarray(samples, np.float64)
    error = samples.std(axis=0) / np.sqrt(len(samples))
    off = np.abs(samples.mean(axis=0) - expected)
    assert (off <= errors * error + 1e-9).all(), (samples.mean(axis=0), expected, off / (error + 1e-12))


@compiled
def given_winners(name, log_rates, winners):
    structure = CASES[name].make(log_rates)

    def one(winners):
        trace = structure.trace(winners)
        return structure.log_prob(trace), structure.value(trace)

    return jax.vmap(one)(winners)


@compiled
def study(name, log_rates, keys):
    """Everything about a draw that the tests below look at."""
    make = CASES[name].make

    def one(log_rates, key):
        first, second = jax.random.split(key)
        structure = make(log_rates)
        draw = structure.sample(key=first)
        log_prob, score = jax.value_and_grad(lambda x: make(x).log_prob(draw.trace))(log_rates)

        def total(log_rates):
            times = make(log_rates).posterior(draw.trace, key=second)
            return jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), times

        slopes, times = jax.grad(total, has_aux=True)(log_rates)
        return {
            "winners": draw.trace.winners,
            "value": draw.value,
            "log_times": draw.log_times,
            "log_prob": draw.log_prob,
            "log_prob again": log_prob,
            "score": score,
            "posterior": times,
            "posterior slopes": slopes,
            "back": structure.run(times).winners,
        }

    return jax.vmap(one)(log_rates, keys)


@functools.cache
def studied(name, n, dtype, draws, scale, seed):
    """Many draws from one structure, as NumPy arrays. Call it with x64 enabled for float64."""
    log_rates = CASES[name].rates(n, seed=seed, scale=scale, dtype=dtype)
    keys = jax.random.split(jax.random.key(seed), draws)
    out = study(name, np.broadcast_to(log_rates, (draws, *log_rates.shape)), keys)
    return log_rates, jax.tree.map(np.asarray, out)


def double(name):
    with jax.enable_x64(True):
        return studied(name, N, np.float64, DRAWS, 0.7, 3)


def present(name, n=N):
    return np.isfinite(np.asarray(CASES[name].make(jnp.zeros(CASES[name].shape(n))).log_rates))
