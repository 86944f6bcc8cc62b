"""What an estimator is worth at a point."""

import statistics
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from vestige.experiments.gradients.moments import Moments
from vestige.experiments.gradients.problem import Problem, gradient
from vestige.experiments.gradients.reference import Reference


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


class Bench:
    """Measures estimators of one problem. Those that differ in their arrays alone share a compiled program.

    **Arguments:**

    - `problem`: structure, point and objective.
    - `against`: the reference gradient.
    - `samples`: estimates of each estimator, in `blocks` batches.
    """

    def __init__(self, problem: Problem, against: Reference, *, samples: int, blocks: int):
        self.problem, self.against = problem, against
        self.batch, self.blocks = samples // blocks, blocks
        self.programs: dict[Any, tuple[Any, float]] = {}

    def examine(self, estimator: Any, *, biased: bool, key: Any) -> Quality:
        """Make `blocks` batches of estimates, and hold them against the reference."""
        weights, rest = eqx.partition(estimator, eqx.is_array)
        keys = jax.random.split(key, (self.blocks, self.batch))
        compiled, compile_seconds = self._program(weights, rest, keys[0])
        jax.block_until_ready(compiled(weights, self.problem.point, keys[0]))  # warms up
        times, found = [], Moments(self.against.gradient)
        for block in keys:
            began = time.perf_counter()
            gradients = jax.block_until_ready(compiled(weights, self.problem.point, block))
            times.append(1e3 * (time.perf_counter() - began) / self.batch)
            found.add(np.asarray(gradients, np.float64))
        memory = compiled.memory_analysis()
        return Quality(
            biased=biased,
            bias=float(np.linalg.norm(found.off)),
            bias_error=float(np.hypot(np.sqrt(found.variance / found.count), self.against.error)),
            variance=found.variance,
            cosine=found.cosine,
            milliseconds=statistics.median(times),
            compile_seconds=compile_seconds,
            temporary_bytes=memory.temp_size_in_bytes if memory else None,
            batch=self.batch,
        )

    def _program(self, weights: Any, rest: Any, keys: Any) -> tuple[Any, float]:
        """A batch of estimates, compiled, and how long that took."""
        leaves, structure = jax.tree.flatten(rest)
        same = (structure, tuple(leaves))
        if same not in self.programs:

            def estimates(weights: Any, point: Any, keys: Any) -> Any:
                here, learner = self.problem._replace(point=point), eqx.combine(weights, rest)
                return jax.vmap(lambda key: gradient(here, learner, key))(keys)

            began = time.perf_counter()
            compiled = jax.jit(estimates).lower(weights, self.problem.point, keys).compile()
            self.programs[same] = compiled, time.perf_counter() - began
        return self.programs[same]
