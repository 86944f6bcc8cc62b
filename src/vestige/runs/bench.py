"""The variants of an experiment under the stopwatch."""

import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from vestige.experiments.experiment import Components, Experiment
from vestige.experiments.protocols import Unrolls
from vestige.models.temporal import count_parameters
from vestige.registries import registry
from vestige.training import fit
from vestige.training.measure import Cost, available_bytes, measure
from vestige.training.refusal import Refused, refusals


class Measured(NamedTuple):
    """What was measured of the variants."""

    costs: dict[str, tuple[int, Cost]]
    """Of each: its parameters and the cost of one update."""
    left_out: dict[str, str]
    """Of each that could not be timed: why."""


def measure_variants(
    variants: Mapping[str, Experiment], *, updates: int, blocks: int, seconds: float | None, seed: int
) -> Measured:
    """Time the variants one after the other.

    **Arguments:**

    - `variants`: name -> experiment.
    - `updates`: per block.
    - `blocks`: how often each is timed.
    - `seconds`: for all blocks of one together, as in `measure`; None: no limit.
    - `seed`: of parameters and batches.

    **Returns:** the costs, and why others were left out: their parts do not fit, or they need more memory than
    there is.

    **Raises:** what a fault raises.
    """
    found = Measured({}, {})
    for name, variant in variants.items():
        try:
            with refusals(variant.task, variant.model, variant.rule, variant.optimiser):
                built = variant.build(seed=seed, dummy=True)
                unrolled = _unrolled(built)
                cost = measure(
                    built.model,
                    unrolled,
                    built.task,
                    rule=variant.trained_by(built.rule),
                    optimiser=built.optimiser,
                    batch_size=variant.batch_size,
                    key=built.key,
                    updates=updates,
                    blocks=blocks,
                    cycle=variant.rule.updates_per_batch(built.task),
                    seconds=seconds,
                    available=available_bytes(),
                )
        except (Refused, MemoryError) as error:
            found.left_out[name] = str(error)
        else:
            found.costs[name] = count_parameters(built.model), cost
    return found


def _unrolled(built: Components) -> Any:
    """The model, without loops over time where it can do without: the compiler counts their bodies only once."""
    model = built.model
    return model.unrolled(built.task) if isinstance(model, Unrolls) else model


def first_update(experiment: Experiment, *, seed: int) -> float:
    """Make the first update of a run.

    **Arguments:**

    - `experiment`: on dummy data where its own are missing.
    - `seed`: of parameters and batches.

    **Returns:** the wall-clock time at its end, in seconds since 1970.
    """
    built = experiment.build(seed=seed, dummy=True)
    fit(
        built.model,
        built.task,
        rule=experiment.trained_by(built.rule),
        optimiser=built.optimiser,
        steps=1,
        batch_size=experiment.batch_size,
        key=built.key,
    )
    return time.time()


if __name__ == "__main__":
    from vestige.numerics.threefry import write_out_threefry

    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    write_out_threefry()  # as runs do
    print(first_update(registry("experiment").find(sys.argv[1]).preset(sys.argv[2]), seed=int(sys.argv[3])))
