"""What a checkpoint holds a run up, and how long it takes until it is safe.

    python benchmarks/checkpoints.py                   # one process
    python benchmarks/checkpoints.py --processes 2     # two make the run, a core each

States of 0.4, 40 and 400 MB (`--megabytes`), `--repeats` times each, the first of which is not counted. "Waits" is
`Checkpoints.save`; "held up" is `Background.begin`, after which updates go on; "safe" is when it has its name, by
the clock of the leader. The processes of a run are held up by the slowest of them.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def worker(arguments: argparse.Namespace) -> None:
    """Print a line for every size, in the leader."""
    import jax

    from vestige.cli.joining import Joining, joined
    from vestige.training.background import Background
    from vestige.training.checkpoints import Checkpoints
    from vestige.training.team import Alone

    joining = Joining(arguments.at, 2, arguments.rank) if arguments.at else Joining(processes=1)
    with joined(joining) as team:
        for megabytes in arguments.megabytes:
            size = int(megabytes * 1e6 / 4 / 10)  # random numbers: Orbax compresses what it writes
            state = {str(leaf): jax.random.normal(jax.random.key(leaf), (size,)) for leaf in range(10)}
            if (mesh := team.mesh()) is not None:
                state = team.spread(Alone().spread(state, mesh), mesh)
            checkpoints = Checkpoints(Path(arguments.folder) / str(megabytes), fingerprint="", team=team)
            background, times = Background(checkpoints, team), []
            for repeat in range(arguments.repeats):
                team.gathered("ready")
                began = time.perf_counter()
                checkpoints.save(state, 2 * repeat + 1)
                waited = time.perf_counter() - began
                team.gathered("ready")
                began = time.perf_counter()
                background.begin(state, 2 * repeat + 2)
                held = time.perf_counter() - began
                background.settle()
                times.append([waited, held, time.perf_counter() - began])
            background.close()
            if team.leads:
                print(json.dumps([megabytes, times[1:]]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[0.4, 40.0, 400.0])
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--at", default="")
    parser.add_argument("--rank", type=int, default=-1)
    parser.add_argument("--folder", default="")
    arguments = parser.parse_args()
    if arguments.rank >= 0:
        worker(arguments)
        return
    at, cores = "", sorted(os.sched_getaffinity(0))
    if arguments.processes == 2:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            at = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        own = [sys.executable, __file__, "--at", at, "--folder", folder, "--repeats", str(arguments.repeats)]
        own += ["--megabytes", *map(str, arguments.megabytes)]
        begun = [
            subprocess.Popen(
                [*own, "--rank", str(rank)],
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=lambda rank=rank: os.sched_setaffinity(0, {cores[rank % len(cores)]}) if at else None,
            )
            for rank in range(arguments.processes)
        ]
        output, *_ = [process.communicate()[0] for process in begun]
        lines = output.splitlines()
    print("     MB   waits, s              held up, s            safe after, s")
    for megabytes, times in map(json.loads, lines):
        columns = ["  ".join(f"{seconds:.3f}" for seconds in column) for column in zip(*times, strict=True)]
        print(f"{megabytes:7.1f}   " + "   ".join(f"{column:19}" for column in columns))


if __name__ == "__main__":
    main()
