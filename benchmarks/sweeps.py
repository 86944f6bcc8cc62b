"""How a sweep scales over the workers of a Dask cluster of this machine.

    python benchmarks/sweeps.py [--experiment recall] [--seeds 4] [--steps 2000] [--repeats 3]

The same runs (seeds of one experiment) on one worker with one core, on one worker with all cores, on two workers that
share the cores, and on as many local processes. Wall time of the whole sweep: start of the cluster, imports, training,
evaluation and results. Compiled programs are kept from a run before, so that no place compiles for another.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from vestige.cli.environment import set_up_compilation
from vestige.cli.run import perform_one
from vestige.registries import registry
from vestige.runs.comparison import Planned
from vestige.runs.executors.naming import executor_on
from vestige.runs.executors.starting import cores


def sweep(on: str, jobs: int, mine: list[int], options: argparse.Namespace, seeds: int) -> float:
    """Seconds for all the runs."""
    entry = registry("experiment").find(options.experiment)
    experiment = entry.preset("small")
    if options.steps:
        import dataclasses

        experiment = dataclasses.replace(experiment, steps=options.steps)
    all_cores = cores()
    with tempfile.TemporaryDirectory() as scratch:
        arguments = {"preset": "small", "command": "benchmarks/sweeps.py", "patience": 30.0, "resume": True}
        tasks = [
            (str(seed), (Planned(entry.name, experiment, seed, Path(scratch) / str(seed)), arguments))
            for seed in range(seeds)
        ]
        os.sched_setaffinity(0, mine)
        try:
            began = time.monotonic()
            executor_on(on, Path(scratch), jobs=jobs).run(perform_one, tasks, announce=lambda _: None)
            return time.monotonic() - began
        finally:
            os.sched_setaffinity(0, all_cores)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--experiment", default="recall")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    set_up_compilation()
    mine = cores()
    places = {
        "1 worker, 1 core": ("dask", 1, mine[:1]),
        f"1 worker, {len(mine)} cores": ("dask", 1, mine),
        f"2 workers, {len(mine)} cores": ("dask", 2, mine),
        f"2 local processes, {len(mine)} cores": ("processes", 2, mine),
    }
    for on, jobs, share in places.values():  # compiles
        sweep(on, jobs, share, options, jobs)
    for name, (on, jobs, share) in places.items():
        took = [sweep(on, jobs, share, options, options.seeds) for _ in range(options.repeats)]
        print(f"{name:30} {statistics.median(took):7.1f} s  ({min(took):.1f} to {max(took):.1f})", flush=True)


if __name__ == "__main__":
    main()
