"""The expectation whose gradient is estimated."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from vestige.estimators import expect
from vestige.experiments.gradients.objectives import OBJECTIVES
from vestige.experiments.gradients.options import GradientOptions
from vestige.experiments.gradients.structures import STRUCTURES


class Problem(NamedTuple):
    """An expectation whose gradient is wanted: structure, point and objective."""

    make: Callable[[Any], Any]
    """From the coordinates, a vector of log-rates, one for each key, to the structure."""
    point: Any
    fn: Callable[[Any], Any]


def problem(structure: str, options: GradientOptions) -> Problem:
    """The structure at a random point, and the objective; the same for the same options."""
    make, size = STRUCTURES[structure].coordinates(options)
    key_point, key_objective = jax.random.split(jax.random.key(options.seed))
    point = options.scale * jax.random.normal(key_point, (size,))
    shape = jax.eval_shape(lambda rates: (s := make(rates)).value(s.run(s.log_rates)), point).shape
    return Problem(make, point, OBJECTIVES[options.objective].build(structure, shape, key_objective))


def gradient(problem: Problem, estimator: Any, key: Any) -> Any:
    """One estimate at the point, a vector."""
    return jax.grad(lambda rates: expect(problem.fn, problem.make(rates), estimator=estimator, key=key))(problem.point)
