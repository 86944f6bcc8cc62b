"""The gradient that estimates are held against."""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from vestige.estimators import Exact, LeaveOneOut
from vestige.experiments.gradients.options import GradientOptions
from vestige.experiments.gradients.problem import Problem, gradient
from vestige.structures import exact
from vestige.training.refusal import Refused, refusals

DRAWS = 100  # per leave-one-out estimate, where the reference is one
ESTIMATES = 4000


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
        return f"leave-one-out with {DRAWS * ESTIMATES:,} draws, error {self.error:.2g}"


def reference(problem: Problem, options: GradientOptions) -> Reference:
    """The gradient of `problem`: exact where there are at most 200,000 traces, else a long leave-one-out estimate,
    drawn by the seed of `options`.
    """
    traces = _listed(problem)
    if traces is not None:
        found = eqx.filter_jit(gradient)(problem, Exact(), jax.random.key(options.seed))
        return Reference(np.asarray(found, np.float64), 0.0, traces)
    many = eqx.filter_jit(lambda keys: jax.vmap(lambda key: gradient(problem, LeaveOneOut(DRAWS), key))(keys))
    keys = jax.random.split(jax.random.fold_in(jax.random.key(options.seed), 1), (ESTIMATES // 100, 100))
    found = np.concatenate([np.asarray(many(block), np.float64) for block in keys])
    error = np.sqrt(found.var(axis=0, ddof=1).sum() / len(found))
    return Reference(found.mean(axis=0), float(error), None)


def _listed(problem: Problem) -> int | None:
    """The number of traces; None where they are too many to be listed."""
    if problem.structure.least_traces > exact.LIMIT:
        return None
    try:
        with refusals():
            return len(exact.all_winners(problem.make(problem.point)))
    except Refused:
        return None
