"""A laboratory for gradient estimators: bias, variance, direction, time and memory, side by side.

What has to be known before anything is measured (names, options, what applies where) needs no JAX; the functions that
measure import it themselves.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from vestige.errors import UsageError, nearest

CHUNK = 32  # estimates per update of a critic
RATE = 1e-2  # Adam's, for critics
REFERENCE_DRAWS = 100  # per leave-one-out estimate, where the reference is one
REFERENCE_ESTIMATES = 4000


@dataclasses.dataclass(frozen=True)
class GradientOptions:
    """What is measured, and how often."""

    n: int = 4
    """Items, positions, vertices, or rows."""
    k: int | None = None
    """How many of the n items, for subset alone; 2 unless given."""
    objective: str = "linear"
    """linear, quadratic or toy (that of the paper, where there is one)."""
    draws: int = 3
    """Evaluations of the objective for one estimate."""
    scale: float = 1.0
    """Standard deviation of the log-rates, which are drawn once, by the seed."""
    temperature: float = 1.0
    """Of the biased relaxations."""
    critic_steps: int = 300
    """Updates of the critics of RELAX before they are measured."""
    samples: int = 20_000
    """Estimates from which bias and variance are taken."""
    blocks: int = 20
    """Blocks into which they are divided; the median of their times is quoted."""
    seed: int = 0
    """Seed of the point, the objective, the critics and the estimates."""

    def __post_init__(self):
        for name, least in {"n": 2, "draws": 2, "critic_steps": 0, "blocks": 1, "seed": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name.replace('_', '-')} must be at least {least}, got {getattr(self, name)}")
        if self.samples < 2 * self.blocks:
            raise ValueError(f"samples must be at least 2 for each of the {self.blocks} blocks, got {self.samples}")
        for name, value in {"scale": self.scale, "temperature": self.temperature}.items():
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be positive and finite, got {value}")


class Problem(NamedTuple):
    """An expectation whose gradient is wanted: structure, point and objective."""

    build: Callable[[Any], Any]
    """From the coordinates, a vector of log-rates, one for each key, to the structure."""
    point: Any
    fn: Callable[[Any], Any]


class Reference(NamedTuple):
    """The gradient that estimates are held against."""

    gradient: np.ndarray
    error: float
    """Root mean square of the norm of its own error; 0 where it is exact up to rounding."""
    traces: int | None
    """How many traces were listed for it; None where it was estimated."""

    def __str__(self):
        if self.traces is not None:
            return f"exact, by listing {self.traces:,} traces"
        return f"leave-one-out with {REFERENCE_DRAWS * REFERENCE_ESTIMATES:,} draws, error {self.error:.2g}"


class Quality(NamedTuple):
    """What an estimator is worth at a point."""

    biased: bool
    """Whether it is so by its construction."""
    bias: float
    """Norm of the mean estimate less the reference."""
    bias_error: float
    """The norm that is to be expected there without any bias: the root of the variance of the mean."""
    variance: float
    """Of one estimate, summed over the coordinates."""
    cosine: float
    """Between one estimate and the reference, on average; that of an estimate of zero counts as 0."""
    milliseconds: float
    """For one estimate of a batch: median over blocks."""
    compile_seconds: float
    temporary_bytes: int | None
    """What the compiled program of one batch needs beside its arguments and results."""
    batch: int
    """Estimates made at once."""

    @property
    def deviates(self) -> bool:
        """Whether the bias is more than chance, 4 standard errors, and rounding explain."""
        return self.bias > 4 * self.bias_error + 1e-5


class Laboratory(NamedTuple):
    """All that was found at one point."""

    log_rates: list[float]
    """The point, key by key."""
    reference: Reference
    estimators: dict[str, Quality]
    left_out: list[str]
    """Estimators that are not defined for the structure."""


class EstimatorKind(NamedTuple):
    """An estimator by its name on the command line."""

    build: Callable[..., Any]
    """From options, number of keys and a key to the estimator."""
    structures: frozenset[str]
    """Those it is defined for."""
    biased: bool = False
    trained: bool = False
    """Whether it has a critic that is trained first."""


class Objective(NamedTuple):
    """A cost by its name on the command line."""

    structures: frozenset[str]
    build: Callable[..., Callable[[Any], Any]]
    """From structure, shape of a value and a key to the function."""


def _score(options: GradientOptions, keys: int, key: Any, *, kind: str, score: str) -> Any:
    from vestige import estimators

    return getattr(estimators, kind)(draws=options.draws, score=getattr(estimators, score)())


def _without(options: GradientOptions, keys: int, key: Any) -> Any:
    from vestige.estimators import WithoutReplacement

    return WithoutReplacement(draws=options.draws)


def _relax(options: GradientOptions, keys: int, key: Any, *, noise: str) -> Any:
    from vestige import estimators

    return estimators.Relax(estimators.Critic(keys, key=key), options.draws, getattr(estimators, noise)())


def _soft(options: GradientOptions, keys: int, key: Any, *, kind: str) -> Any:
    from vestige import estimators

    return getattr(estimators, kind)(temperature=options.temperature, draws=options.draws)


def _with(function: Callable[..., Any], **settings: str) -> Callable[..., Any]:
    return lambda options, keys, key: function(options, keys, key, **settings)


STRUCTURES = {
    "categorical": "one of n items",
    "subset": "k of n items, in the order of arrival",
    "permutation": "orders of n items",
    "spanning-tree": "spanning trees of n vertices, by Kruskal's algorithm",
    "arborescence": "directed spanning trees from vertex 0, by Chu-Liu/Edmonds",
    "binary-tree": "binary trees over n positions",
    "matching": "greedy matchings of n rows with n columns",
}
_ALL = frozenset(STRUCTURES)
_SEQUENTIAL = frozenset({"categorical", "subset", "permutation"})
_RELAXED = frozenset({"categorical", "subset", "spanning-tree", "arborescence"})

ESTIMATORS = {
    "score-function": EstimatorKind(_with(_score, kind="ScoreFunction", score="TraceScore"), _ALL),
    "score-function-times": EstimatorKind(_with(_score, kind="ScoreFunction", score="TimesScore"), _ALL),
    "leave-one-out": EstimatorKind(_with(_score, kind="LeaveOneOut", score="TraceScore"), _ALL),
    "leave-one-out-times": EstimatorKind(_with(_score, kind="LeaveOneOut", score="TimesScore"), _ALL),
    "without-replacement": EstimatorKind(_without, _SEQUENTIAL),
    "relax": EstimatorKind(_with(_relax, noise="GivenTrace"), _ALL, trained=True),
    "relax-untrained": EstimatorKind(_with(_relax, noise="GivenTrace"), _ALL),
    "relax-times": EstimatorKind(_with(_relax, noise="AllTimes"), _ALL, trained=True),
    "biased-relaxation": EstimatorKind(_with(_soft, kind="BiasedRelaxation"), _RELAXED, biased=True),
    "biased-straight-through": EstimatorKind(_with(_soft, kind="BiasedStraightThrough"), _RELAXED, biased=True),
}


def _linear(structure: str, shape: tuple[int, ...], key: Any) -> Callable[[Any], Any]:
    import jax
    import jax.numpy as jnp

    weights = jax.random.normal(key, shape)
    return lambda value: jnp.sum(weights * value)


def _quadratic(structure: str, shape: tuple[int, ...], key: Any) -> Callable[[Any], Any]:
    import jax

    size = int(np.prod(shape))
    weights = jax.random.normal(key, (size, size)) / shape[0]
    return lambda value: value.reshape(-1) @ weights @ value.reshape(-1)


def _toy(structure: str, shape: tuple[int, ...], key: Any) -> Callable[[Any], Any]:
    import jax.numpy as jnp

    def height(children: Any) -> Any:
        below, levels = jnp.ones(shape[0], children.dtype), jnp.zeros((), children.dtype)
        for _ in range(shape[0] - 1):
            below = below @ children  # how many ancestors each position has at this distance
            levels = levels + jnp.max(below)
        return levels

    return {
        "matching": lambda value: -jnp.trace(value),
        "binary-tree": lambda value: -height(value),
        "arborescence": lambda value: -jnp.max(jnp.sum(value, axis=1)),
        "spanning-tree": lambda value: 0.5 * jnp.sum(value[1:, 1:]),
    }[structure]


OBJECTIVES = {
    "linear": Objective(_ALL, _linear),
    "quadratic": Objective(_ALL, _quadratic),
    "toy": Objective(frozenset({"matching", "binary-tree", "arborescence", "spanning-tree"}), _toy),
}


def chosen(structure: str, options: GradientOptions, names: list[str] | None = None) -> tuple[list[str], list[str]]:
    """The estimators to be measured, and those that are left out because the structure does not allow them.

    **Raises:** `UsageError` for an unknown name, or one that does not go with the structure.
    """
    if structure not in STRUCTURES:
        raise UsageError(f"unknown structure '{structure}'. {nearest(structure, STRUCTURES)}")
    if options.objective not in OBJECTIVES:
        raise UsageError(f"unknown objective '{options.objective}'. {nearest(options.objective, OBJECTIVES)}")
    allowed = OBJECTIVES[options.objective].structures
    if structure not in allowed:
        raise UsageError(
            f"there is no objective '{options.objective}' for {structure}, only for {', '.join(sorted(allowed))}. "
            "Use linear or quadratic."
        )
    if structure != "subset" and options.k is not None:
        raise UsageError(f"--k is for subset; {structure} has no k")
    if structure == "subset" and not 1 <= subset_size(options) <= options.n:
        raise UsageError(f"k must lie between 1 and n = {options.n}, got {options.k}")
    for name in names or []:
        if name not in ESTIMATORS:
            raise UsageError(f"unknown estimator '{name}'. {nearest(name, ESTIMATORS)}")
    wanted = [name for name in ESTIMATORS if names is None or name in names]
    here = [name for name in wanted if structure in ESTIMATORS[name].structures]
    if not here:
        raise UsageError(f"none of these estimators is defined for {structure}: {', '.join(wanted) or 'none given'}")
    return here, [name for name in wanted if name not in here]


def subset_size(options: GradientOptions) -> int:
    """k, or what stands for it."""
    return 2 if options.k is None else options.k


def problem(structure: str, options: GradientOptions) -> Problem:
    """The structure at a random point, and the objective; the same for the same options."""
    import jax
    import jax.numpy as jnp

    from vestige import structures

    n = options.n
    above = np.triu_indices(n, 1)

    def tree(rates: Any) -> Any:
        half = jnp.zeros((n, n), rates.dtype).at[above].set(rates)
        return structures.SpanningTree(half + half.T)

    arcs = np.nonzero(~np.eye(n, dtype=bool) & (np.arange(n) != 0))

    def arborescence(rates: Any) -> Any:
        return structures.Arborescence(jnp.zeros((n, n), rates.dtype).at[arcs].set(rates), root=0)

    build, keys = {
        "categorical": (structures.Categorical, n),
        "subset": (lambda rates: structures.Subset(rates, subset_size(options)), n),
        "permutation": (structures.Permutation, n),
        "spanning-tree": (tree, len(above[0])),
        "arborescence": (arborescence, len(arcs[0])),
        "binary-tree": (structures.BinaryTree, n),
        "matching": (lambda rates: structures.Matching(rates.reshape(n, n)), n * n),
    }[structure]
    key_point, key_objective = jax.random.split(jax.random.key(options.seed))
    point = options.scale * jax.random.normal(key_point, (keys,))
    shape = jax.eval_shape(lambda rates: (s := build(rates)).value(s.run(s.log_rates)), point).shape
    return Problem(build, point, OBJECTIVES[options.objective].build(structure, shape, key_objective))


def gradient(problem: Problem, estimator: Any, key: Any) -> Any:
    """One estimate at the point, a vector."""
    import jax

    from vestige.estimators import expect

    return jax.grad(lambda rates: expect(problem.fn, problem.build(rates), estimator=estimator, key=key))(problem.point)


def reference(problem: Problem, *, seed: int) -> Reference:
    """The exact gradient where there are at most 200,000 traces, else a long leave-one-out estimate."""
    import equinox as eqx
    import jax

    from vestige.estimators import Exact, LeaveOneOut
    from vestige.structures.exact import LIMIT, all_winners

    structure = problem.build(problem.point)
    if _at_least(structure) <= LIMIT:
        try:
            traces = len(all_winners(structure))
        except ValueError:
            traces = None
        if traces is not None:
            found = eqx.filter_jit(gradient)(problem, Exact(), jax.random.key(seed))
            return Reference(np.asarray(found, np.float64), 0.0, traces)
    many = eqx.filter_jit(lambda keys: jax.vmap(lambda key: gradient(problem, LeaveOneOut(REFERENCE_DRAWS), key))(keys))
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 1), (REFERENCE_ESTIMATES // 100, 100))
    found = np.concatenate([np.asarray(many(block), np.float64) for block in keys])
    error = np.sqrt(found.var(axis=0, ddof=1).sum() / len(found))
    return Reference(found.mean(axis=0), float(error), None)


def _at_least(structure: Any) -> int:
    """A number that the number of traces does not fall below, so that hopeless listings are not begun."""
    from math import comb, factorial, perm

    from vestige.structures import Arborescence, BinaryTree, Categorical, Matching, SpanningTree, Subset

    n = structure.log_rates.shape[0]
    match structure:
        case Categorical():
            return n
        case Subset():
            return perm(n, structure.k)
        case SpanningTree():
            return n ** (n - 2) * factorial(n - 1)
        case Arborescence():
            return n ** (n - 2)
        case BinaryTree():
            return comb(2 * n, n) // (n + 1)
        case Matching():
            return factorial(n) ** 2
    return factorial(n)


def train(problem: Problem, estimator: Any, *, steps: int, key: Any) -> Any:
    """The estimator after that many updates of what is learned in it, at the one point."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax

    from vestige.estimators import expect

    optimiser = optax.adam(RATE)
    weights, rest = eqx.partition(estimator, eqx.is_inexact_array)

    def loss(weights: Any, keys: Any) -> Any:
        learner, structure = eqx.combine(weights, rest), problem.build(problem.point)
        return jnp.mean(jax.vmap(lambda key: expect(problem.fn, structure, estimator=learner, key=key))(keys))

    def update(state: Any, key: Any) -> Any:
        weights, momenta = state
        updates, momenta = optimiser.update(jax.grad(loss)(weights, jax.random.split(key, CHUNK)), momenta)
        return (optax.apply_updates(weights, updates), momenta), None

    start = weights, optimiser.init(weights)
    lowered = jax.jit(lambda state, keys: jax.lax.scan(update, state, keys)[0]).lower(
        start, jax.random.split(key, steps)
    )
    # So short a run is over sooner without the compiler's best efforts.
    hasty: Any = {"xla_backend_optimization_level": 0}
    learned, _ = lowered.compile(hasty)(start, jax.random.split(key, steps))
    return eqx.combine(learned, rest)


def examine(
    problem: Problem, estimator: Any, against: Reference, *, biased: bool, samples: int, blocks: int, key: Any
) -> Quality:
    """Compile a batch of estimates, make `blocks` of them, and hold them against the reference."""
    import equinox as eqx
    import jax

    batch = samples // blocks
    keys = jax.random.split(key, (blocks, batch))
    weights, rest = eqx.partition(estimator, eqx.is_array)

    def estimates(weights: Any, point: Any, keys: Any) -> Any:
        here, learner = problem._replace(point=point), eqx.combine(weights, rest)
        return jax.vmap(lambda key: gradient(here, learner, key))(keys)

    began = time.perf_counter()
    compiled = jax.jit(estimates).lower(weights, problem.point, keys[0]).compile()
    compile_seconds = time.perf_counter() - began
    jax.block_until_ready(compiled(weights, problem.point, keys[0]))  # warms up
    times, found = [], _Moments(against.gradient)
    for block in keys:
        began = time.perf_counter()
        gradients = jax.block_until_ready(compiled(weights, problem.point, block))
        times.append(1e3 * (time.perf_counter() - began) / batch)
        found.add(np.asarray(gradients, np.float64))
    memory = compiled.memory_analysis()
    return Quality(
        biased=biased,
        bias=float(np.linalg.norm(found.off)),
        bias_error=float(np.hypot(np.sqrt(found.variance / found.count), against.error)),
        variance=found.variance,
        cosine=found.cosine,
        milliseconds=statistics.median(times),
        compile_seconds=compile_seconds,
        temporary_bytes=memory.temp_size_in_bytes if memory else None,
        batch=batch,
    )


class _Moments:
    """Sums over estimates, taken from the reference on, so that little is lost to rounding."""

    def __init__(self, reference: np.ndarray):
        self.reference = reference
        self.count, self.first, self.second, self.cosines = 0, np.zeros_like(reference), np.zeros_like(reference), 0.0

    def add(self, gradients: np.ndarray) -> None:
        off = gradients - self.reference
        self.count += len(off)
        self.first += off.sum(axis=0)
        self.second += (off**2).sum(axis=0)
        norms = np.linalg.norm(gradients, axis=1) * np.linalg.norm(self.reference)
        self.cosines += float((gradients @ self.reference / np.where(norms > 0, norms, np.inf)).sum())

    @property
    def off(self) -> np.ndarray:
        return self.first / self.count

    @property
    def variance(self) -> float:
        return float(np.maximum(self.second - self.count * self.off**2, 0.0).sum() / (self.count - 1))

    @property
    def cosine(self) -> float:
        return self.cosines / self.count


def laboratory(structure: str, options: GradientOptions, names: list[str] | None = None) -> Laboratory:
    """Measure the estimators `names`, all that are defined unless given. **Raises** `UsageError` as `chosen`."""
    names, left_out = chosen(structure, options, names)
    here = problem(structure, options)
    size = here.build(here.point).log_rates.size

    def ready(name: str) -> Any:
        """The estimator, trained if it has to be. Its keys are its own, whichever others are measured."""
        key_estimator, key_training, _ = _keys(name, options)
        estimator = ESTIMATORS[name].build(options, size, key_estimator)
        if ESTIMATORS[name].trained and options.critic_steps:
            return train(here, estimator, steps=options.critic_steps, key=key_training)
        return estimator

    with ThreadPoolExecutor(2) as pool:  # nothing is timed yet
        pending = pool.submit(reference, here, seed=options.seed)
        estimators = dict(zip(names, pool.map(ready, names), strict=True))
        against = pending.result()
    qualities = {
        name: examine(
            here,
            estimator,
            against,
            biased=ESTIMATORS[name].biased,
            samples=options.samples,
            blocks=options.blocks,
            key=_keys(name, options)[2],
        )
        for name, estimator in estimators.items()
    }
    return Laboratory([float(x) for x in here.point], against, qualities, left_out)


def _keys(name: str, options: GradientOptions) -> Any:
    import jax

    return jax.random.split(jax.random.fold_in(jax.random.key(options.seed), 2 + list(ESTIMATORS).index(name)), 3)
