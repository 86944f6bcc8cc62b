"""The catalogue's models under the stopwatch."""

import sys
import time

import jax

from vestige.experiments.abilities import AbstractTimed
from vestige.experiments.catalogue import able, find
from vestige.models.temporal import count_parameters
from vestige.training import fit
from vestige.training.measure import Cost, measure


def measure_rivals(options: AbstractTimed, *, updates: int, blocks: int, seed: int) -> dict[str, tuple[int, Cost]]:
    """Per rival: its parameters and the cost of one update."""
    found = {}
    for rival in options.rivals(seed=seed):
        built = rival.built
        cost = measure(
            built.model,
            rival.unrolled,
            built.task,
            rule=built.rule,
            optimiser=built.optimiser,
            batch_size=options.batch,
            key=built.key,
            updates=updates,
            blocks=blocks,
        )
        found[rival.name] = count_parameters(built.model), cost
    return found


def first_update(options: AbstractTimed, *, seed: int) -> float:
    """Make the first update of a run; the wall-clock time at its end, in seconds since 1970."""
    built = options.rehearsal(seed=seed)
    fit(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        steps=1,
        batch_size=options.batch,
        key=built.key,
    )
    return time.time()


if __name__ == "__main__":
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    entry = find(sys.argv[1])
    options = able(entry, entry.preset(sys.argv[2]), AbstractTimed, command="bench")
    print(first_update(options, seed=int(sys.argv[3])))
