"""The expectation whose gradient is estimated."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from vestige.estimators import expect
from vestige.experiments.gradients.objectives import OBJECTIVES
from vestige.experiments.gradients.options import GradientOptions
from vestige.structures.specs import StructureSpec


class Problem(NamedTuple):
    """An expectation whose gradient is wanted: structure, point and objective."""

    structure: StructureSpec
    point: Any
    """Coordinates, a vector of log-rates."""
    fn: Callable[[Any], Any]

    def make(self, coordinates: Any) -> Any:
        """The structure with these coordinates."""
        return self.structure.build(coordinates)


def problem(structure: StructureSpec, options: GradientOptions) -> Problem:
    """`structure` at a random point, and the objective; the same for the same `options`."""
    key_point, key_objective = jax.random.split(jax.random.key(options.seed))
    point = options.scale * jax.random.normal(key_point, (structure.coordinates,))
    return Problem(structure, point, OBJECTIVES[options.objective](structure, key_objective))


def gradient(problem: Problem, estimator: Any, key: Any) -> Any:
    """One estimate by `estimator` of the gradient of `problem` at its point, a vector."""
    return jax.grad(lambda rates: expect(problem.fn, problem.make(rates), estimator=estimator, key=key))(problem.point)
