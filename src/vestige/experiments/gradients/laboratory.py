"""Everything measured at one point."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from vestige.experiments.gradients.choose import chosen
from vestige.experiments.gradients.critics import train
from vestige.experiments.gradients.estimators import ESTIMATORS
from vestige.experiments.gradients.options import GradientOptions
from vestige.experiments.gradients.problem import problem
from vestige.experiments.gradients.quality import Bench, Quality
from vestige.experiments.gradients.reference import Reference, reference


class Laboratory(NamedTuple):
    """All that was found at one point."""

    log_rates: list[float]
    """The point, key by key."""
    reference: Reference
    estimators: dict[str, Quality]
    left_out: list[str]
    """Estimators that are not defined for the structure."""


def laboratory(structure: str, options: GradientOptions, names: list[str] | None = None) -> Laboratory:
    """Measure the estimators `names`, all that are defined unless given. **Raises** `UsageError` as `chosen`."""
    names, left_out = chosen(structure, options, names)
    here = problem(structure, options)

    def ready(name: str) -> Any:
        """The estimator, trained if it has to be. Its keys are its own, whichever others are measured."""
        key_estimator, key_training, _ = _keys(name, options)
        estimator = ESTIMATORS[name].build(options, here.make(here.point).log_rates.size, key_estimator)
        if ESTIMATORS[name].trained and options.critic_steps:
            return train(here, estimator, steps=options.critic_steps, key=key_training)
        return estimator

    with ThreadPoolExecutor(2) as pool:  # nothing is timed yet
        pending = pool.submit(reference, here, structure, options)
        estimators = dict(zip(names, pool.map(ready, names), strict=True))
        against = pending.result()
    bench = Bench(here, against, samples=options.samples, blocks=options.blocks)
    qualities = {
        name: bench.examine(estimator, biased=ESTIMATORS[name].biased, key=_keys(name, options)[2])
        for name, estimator in estimators.items()
    }
    return Laboratory([float(x) for x in here.point], against, qualities, left_out)


def _keys(name: str, options: GradientOptions) -> Any:
    """Of an estimator: to build, to train and to examine it."""
    return jax.random.split(jax.random.fold_in(jax.random.key(options.seed), zlib.crc32(name.encode())), 3)
