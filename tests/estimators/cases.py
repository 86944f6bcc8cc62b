"""The points at which estimators are tested, the list of unbiased ones, and the compiled functions tests share."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import (
    AllTimes,
    Critic,
    Exact,
    GivenSet,
    GivenTrace,
    Learned,
    LeaveOneOut,
    MeanOfOthers,
    Relax,
    RunningMean,
    ScoreFunction,
    TimesScore,
    WithoutReplacement,
    expect,
)
from vestige.structures import (
    Arborescence,
    BinaryTree,
    Categorical,
    Choices,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
)

KEYS = 20_000
FEWER = {"relax, given the set": 2000}  # where an estimate takes long


def tree(rates):
    return SpanningTree((rates + rates.T) / 2)


def arborescence(rates):
    return Arborescence(rates, 0)


def subset(rates):
    return Subset(rates, 2)


class Point(NamedTuple):
    """A structure of given rates, and the numbers its cost closes over."""

    make: Callable[..., Any]
    rates: tuple[int, ...]
    value: tuple[int, ...]
    seed: int

    def arrays(self, dtype=np.float32) -> tuple[np.ndarray, np.ndarray]:
        noise = np.random.default_rng(self.seed)
        return noise.normal(size=self.rates).astype(dtype), noise.normal(size=self.value).astype(dtype)


POINTS = {
    "spanning tree": Point(tree, (3, 3), (3, 3), 1),
    "arborescence": Point(arborescence, (3, 3), (3, 3), 2),
    "matching": Point(Matching, (3, 3), (3, 3), 3),
    "binary tree": Point(BinaryTree, (3,), (3, 3), 4),
    "subset": Point(subset, (4,), (4,), 5),
    "categorical": Point(Categorical, (4,), (4,), 6),
    "choices": Point(Choices, (3, 2), (3, 2), 8),
    "permutation": Point(Permutation, (3,), (3, 3), 7),
}

CONTEXT = jnp.array([0.3, -1.2])


def critic(size: int) -> Critic:
    return Critic(size, 8, context=2, key=jax.random.key(10))


UNBIASED: dict[str, Callable[[int], Any]] = {
    "trace score": lambda size: ScoreFunction(1),
    "times score": lambda size: ScoreFunction(1, TimesScore()),
    "running mean": lambda size: ScoreFunction(2, baseline=RunningMean(0.7)),
    "learned baseline": lambda size: ScoreFunction(2, baseline=Learned(network())),
    "leave one out": lambda size: LeaveOneOut(2),
    "leave one out, times": lambda size: LeaveOneOut(3, TimesScore()),
    "relax": lambda size: Relax(critic(size)),
    "relax, all times": lambda size: Relax(critic(size), 1, AllTimes()),
    "relax, redraws, others": lambda size: Relax(critic(size), 2, GivenTrace(2), MeanOfOthers()),
    "relax, given the set": lambda size: Relax(critic(size), 2, GivenSet(), MeanOfOthers()),
    "without replacement": lambda size: WithoutReplacement(3),
}
"""From the number of keys to an estimator: a new unbiased one adds one line."""

SEQUENTIAL = {"subset", "categorical", "permutation"}
EVERYTHING = {"subset"}
ONE_OF_A_KIND = {"times score", "leave one out", "relax, redraws, others"}
MORE = {("trace score", "matching"), ("relax, all times", "matching")}


def paired(estimator: str, point: str) -> bool:
    """All estimators meet one structure, all structures meet both scores and the redrawn noise."""
    if estimator == "without replacement":
        return point in SEQUENTIAL
    if (estimator, point) in MORE:
        return True
    return point in EVERYTHING or (estimator in ONE_OF_A_KIND and point not in SEQUENTIAL)


PAIRS = [(estimator, point) for point in POINTS for estimator in UNBIASED if paired(estimator, point)]
QUICK = EVERYTHING | {"categorical", "permutation"}


LONG = {
    ("learned baseline", "subset"),
    ("leave one out, times", "subset"),
    ("relax, redraws, others", "subset"),
    ("relax, given the set", "subset"),
    ("without replacement", "categorical"),
    ("without replacement", "permutation"),
}
"""Pairs whose parts are in others too, or take long to compile."""


def quick_first(point: str, *values: Any) -> Any:
    """The parameters of a test at this point: slow wherever not all estimators meet anyway, and for long pairs."""
    slow = point not in QUICK or values in LONG
    return pytest.param(*values, marks=[pytest.mark.slow] * slow)


def network() -> eqx.nn.Linear:
    return eqx.nn.Linear(2, "scalar", key=jax.random.key(11))


def curved(coefficients, value):
    """Nonlinear, with no symmetry."""
    score = jnp.sum(coefficients * value)
    return score + score**2


def linear(coefficients, value):
    return jnp.sum(coefficients * value)


def objective(make, cost, rates, coefficients, estimator, key, context=CONTEXT):
    return expect(lambda x: cost(coefficients, x), make(rates), estimator=estimator, key=key, context=context)


def quickly(function):
    """`eqx.filter_jit` that does not optimise: here compiling takes longer than running."""
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}

    @functools.partial(jax.jit, static_argnums=1, compiler_options=options)
    def run(arrays, rest):
        structure, others = rest
        leaves = [other if array is None else array for array, other in zip(arrays, others, strict=True)]
        return function(*jax.tree.unflatten(structure, leaves))

    @functools.wraps(function)
    def call(*args):
        leaves, structure = jax.tree.flatten(args)
        arrays = [jnp.asarray(leaf) if isinstance(leaf, jax.Array | np.ndarray) else None for leaf in leaves]
        others = [leaf if array is None else None for leaf, array in zip(leaves, arrays, strict=True)]
        return run(arrays, (structure, tuple(others)))

    return call


def both(make, cost, rates, coefficients, estimator, key, context=CONTEXT):
    """Value, and gradients for the rates and for what the cost closes over."""

    def value(rates, coefficients):
        return objective(make, cost, rates, coefficients, estimator, key, context)

    return jax.value_and_grad(value, (0, 1))(rates, coefficients)


one = quickly(both)


@quickly
def many(make, cost, rates, coefficients, estimator, keys, context=CONTEXT):
    """The same for many keys."""

    def row(key):
        value, gradients = both(make, cost, rates, coefficients, estimator, key, context)
        return value, *gradients

    return jax.vmap(row)(keys)


class Moments(NamedTuple):
    mean: np.ndarray
    variance: np.ndarray
    mean_error: np.ndarray
    variance_error: np.ndarray


def moments(samples: Any) -> Moments:
    samples = np.asarray(samples, np.float64)
    mean, variance, count = samples.mean(0), samples.var(0), len(samples)
    fourth = ((samples - mean) ** 4).mean(0)
    return Moments(mean, variance, np.sqrt(variance / count), np.sqrt(np.maximum(fourth - variance**2, 0) / count))


def within(samples: Any, expected: Any, errors: float = 4.0) -> None:
    """The mean of the rows is what is expected, up to so many standard errors and rounding."""
    found, expected = moments(samples), np.asarray(expected, np.float64)
    assert np.all(np.isfinite(found.mean))
    slack = errors * found.mean_error + 1e-5 * (1 + np.abs(expected))
    off = np.abs(found.mean - expected) - slack
    assert np.all(off <= 0), f"mean {found.mean}\nexpected {expected}\nstandard error {found.mean_error}"


def estimates(make, cost, rates, coefficients, estimator, seed: int = 0, count: int = KEYS):
    return many(make, cost, rates, coefficients, estimator, jax.random.split(jax.random.key(seed), count))


@functools.cache
def estimated(estimator: str, point: str):
    """Values and gradients of a pair at its point."""
    rates, coefficients = POINTS[point].arrays()
    count = FEWER.get(estimator, KEYS)
    found = estimates(POINTS[point].make, curved, rates, coefficients, UNBIASED[estimator](rates.size), count=count)
    return jax.device_get(found)


@functools.cache
def exact(point: str):
    rates, coefficients = POINTS[point].arrays()
    value, gradients = one(POINTS[point].make, curved, rates, coefficients, Exact(), jax.random.key(0))
    return jax.device_get((value, *gradients))
