"""Everything measured at one point."""

import math
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from vestige.estimators.specs import EstimatorSpec
from vestige.experiments.gradients.choose import chosen
from vestige.experiments.gradients.critics import train
from vestige.experiments.gradients.options import GradientOptions
from vestige.experiments.gradients.problem import problem
from vestige.experiments.gradients.quality import Bench, Quality
from vestige.experiments.gradients.reference import Reference, reference
from vestige.registries import registry
from vestige.spec import with_options
from vestige.structures.specs import StructureSpec


class Laboratory(NamedTuple):
    """All that was found at one point."""

    log_rates: list[float]
    """The point, coordinate by coordinate."""
    reference: Reference
    estimators: dict[str, Quality]
    left_out: list[str]
    """Estimators that are not defined for the structure."""


def laboratory(structure: StructureSpec, options: GradientOptions, names: list[str] | None = None) -> Laboratory:
    """Measure estimators.

    **Arguments:**

    - `structure`: whose gradients are estimated.
    - `options`: of the laboratory.
    - `names`: registered estimators; None: all that are defined.

    **Raises:** `UsageError` as `chosen`.
    """
    names, left_out = chosen(structure, options, names)
    here, specs = problem(structure, options), registry("estimator")

    def ready(name: str) -> Any:
        """The estimator, trained if it has to be. Its keys are its own, whichever others are measured."""
        key_estimator, key_training, _ = _keys(name, options)
        estimator = _alike(specs[name], options).build(math.prod(structure.rates_shape), key=key_estimator)
        if specs[name].learns and options.critic_steps:
            return train(here, estimator, steps=options.critic_steps, key=key_training)
        return estimator

    with ThreadPoolExecutor(2) as pool:  # nothing is timed yet
        pending = pool.submit(reference, here, options)
        estimators = dict(zip(names, pool.map(ready, names), strict=True))
        against = pending.result()
    bench = Bench(here, against, samples=options.samples, blocks=options.blocks)
    qualities = {
        name: bench.examine(estimator, biased=specs[name].biased, key=_keys(name, options)[2])
        for name, estimator in estimators.items()
    }
    return Laboratory([float(x) for x in here.point], against, qualities, left_out)


def _alike(spec: EstimatorSpec, options: GradientOptions) -> EstimatorSpec:
    """With the draws and temperature of all. A critic that stays as it is could be trained: one program for both."""
    return with_options(spec, draws=options.draws, temperature=options.temperature, trained=True)


def _keys(name: str, options: GradientOptions) -> Any:
    """Of an estimator: to build, to train and to examine it."""
    return jax.random.split(jax.random.fold_in(jax.random.key(options.seed), zlib.crc32(name.encode())), 3)
