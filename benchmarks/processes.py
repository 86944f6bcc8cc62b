"""Weak scaling: what it costs that two processes, a core each, make one run of twice the batch.

Two arms in turn, `--repeats` times: two processes that know nothing of each other, each with batch B on its own core;
and two that make one run with batch 2 B. Without cost an update takes as long in both. Both arms have two processes
beside each other, so the ratio is that of the communication, and of waiting for the slower one. One process alone, with
batch B, is timed too.

    python benchmarks/processes.py perfect-recall --batch 64 --repeats 5
"""

import argparse
import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys

ONE, APART, TOGETHER = "one process, batch B", "two apart, batch B each", "two together, batch 2 B"


def worker(arguments: argparse.Namespace) -> None:
    """Print milliseconds an update, for each block."""
    os.sched_setaffinity(0, {arguments.core})
    import time

    import jax.numpy as jnp

    from vestige.cli.joining import Joining, joined
    from vestige.registries import registry
    from vestige.training.state import start
    from vestige.training.team import Alone
    from vestige.training.update import Program, make_advance

    joining = Joining(arguments.at, 2, arguments.rank) if arguments.at else Joining(processes=1)
    with joined(joining) as team:
        size = arguments.batch * team.size
        experiment = registry("experiment").find(arguments.experiment).preset("small")
        experiment = dataclasses.replace(experiment, batch_size=size)
        built = experiment.build(seed=0)
        how = {"rule": built.rule, "optimiser": built.optimiser, "batch_size": size}
        state, program = (
            start(built.model, built.task, key=built.key, **how),
            Program(built.task, built.rule, built.optimiser),
        )
        if (mesh := team.mesh()) is not None:
            program, state = Alone().spread(program, mesh), team.spread(state, mesh)
        advance = make_advance(batch_size=size, skip_nonfinite=False, mesh=mesh)
        blocks = []
        for count in (2, *[arguments.updates] * arguments.blocks):
            team.gathered("ready")
            began = time.perf_counter()
            state, _ = advance((program, jnp.asarray(count, jnp.int32)), state)
            int(state.step)
            blocks.append(1e3 * (time.perf_counter() - began) / count)
        print(json.dumps(blocks[1:]))


def timed(arguments: argparse.Namespace, arm: str) -> float:
    """Median milliseconds an update; of two processes the mean."""
    at = ""
    if arm == TOGETHER:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            at = f"127.0.0.1:{free.getsockname()[1]}"
    own = [sys.executable, __file__, arguments.experiment, "--batch", str(arguments.batch), "--worker"]
    own += ["--updates", str(arguments.updates), "--blocks", str(arguments.blocks), "--at", at]
    ranks = [0] if arm == ONE else [0, 1]
    cores = sorted(os.sched_getaffinity(0))
    begun = [
        subprocess.Popen([*own, "--rank", str(rank), "--core", str(cores[rank])], stdout=subprocess.PIPE, text=True)
        for rank in ranks
    ]
    every = [json.loads(process.communicate()[0].splitlines()[-1]) for process in begun]
    return statistics.mean(statistics.median(blocks) for blocks in every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", default="perfect-recall")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--at", default="")
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--core", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments)
        return
    found: dict[str, list[float]] = {ONE: [], APART: [], TOGETHER: []}
    for repeat in range(arguments.repeats):
        for arm in (ONE, APART, TOGETHER) if repeat % 2 else (TOGETHER, APART, ONE):
            found[arm].append(timed(arguments, arm))
        print({arm: round(times[-1], 1) for arm, times in found.items()}, f"load {os.getloadavg()[0]:.1f}", flush=True)
    for base in (APART, ONE):
        ratios = [a / b for a, b in zip(found[base], found[TOGETHER], strict=True)]
        print(f"{base} / {TOGETHER}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
