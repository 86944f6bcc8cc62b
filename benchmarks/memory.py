"""What an update stores, by rule and length of the sequence, and the memory of a process that trains on 10 GB.

    python benchmarks/memory.py                                   # the compiler's account of every rule
    python benchmarks/memory.py --stream 10000000 --values 250    # 10 GB; few blocks on disks that know holes

The table compiles one update of every registered rule at several lengths and runs none. With `--stream`, MemUP goes
once through a file of so many steps of so many float32 values, by `vestige run stream`, whose memory is read once a
second. Linux.
"""

import argparse
import dataclasses
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vestige.cells.specs import LSTMSpec
from vestige.experiments import Experiment
from vestige.models.filters.specs import RVAESpec
from vestige.models.longterm.specs import RecurrentSpec
from vestige.models.policy.specs import AgentSpec
from vestige.models.temporal.specs import TemporalSpec
from vestige.models.tied.specs import TiedPairSpec
from vestige.registries import registry
from vestige.runs.distances import temporary_bytes
from vestige.tasks.filtering.specs import SensorsSpec
from vestige.tasks.frame_specs import PerfectRecallSpec
from vestige.tasks.longterm.specs import RecallSpec
from vestige.tasks.tied.specs import BinaryDigitsSpec
from vestige.tasks.tmaze.specs import TMazeSpec

LENGTHS = (100, 1_000, 10_000)
BATCH = 32
ROLLOUT, BRANCHES = 10, 32  # of `vestige run stream`: steps of an update, and places of the file that are read at once
GIGABYTE = 10**9
DIGITS = Experiment(BinaryDigitsSpec(), TiedPairSpec("100-50"), batch_size=BATCH)
AT = {
    "objective": lambda n: Experiment(PerfectRecallSpec(n // 2, n - n // 2), TemporalSpec(), batch_size=BATCH),
    "long-term memory": lambda n: Experiment(RecallSpec(n), RecurrentSpec(LSTMSpec(64)), batch_size=BATCH),
    "step density": lambda n: Experiment(SensorsSpec(length=n), RVAESpec(), batch_size=BATCH),
    "two directions": lambda n: DIGITS,
    "agent": lambda n: Experiment(TMazeSpec(length=n), AgentSpec(), batch_size=BATCH),
}
"""By what a rule needs: an experiment with sequences of that length; images have none."""


def size(count: int) -> str:
    """In MiB."""
    return f"{count / 2**20:,.2f}"


def account(rules: list[str], lengths: tuple[int, ...]) -> None:
    """A row for each rule."""
    print(f"| rule | needs | {' | '.join(f'{n:,} steps' for n in lengths)} |")
    print(f"|---|---|{'---|' * len(lengths)}")
    for name in rules:
        needs, cells = registry("rule")[name].needs, []
        for length in lengths:
            base = AT[needs](length)
            if cells and base == AT[needs](lengths[0]):
                cells.append("the same")
                continue
            try:
                experiment = dataclasses.replace(base.choose({"rule": name}), batch_size=BATCH)
                experiment.check()
                cells.append(size(temporary_bytes(experiment)))
            except (ValueError, MemoryError) as error:
                cells.append(f"refused: {str(error).splitlines()[0][:60]}")
        print(f"| {name} | {needs} | {' | '.join(cells)} |", flush=True)


def resident(pid: int) -> tuple[float, float]:
    """Memory of a process in MiB, and the part of it that is no page of a file; zeros where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    fields = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "RssAnon"))}
    return (float(fields.get("VmRSS", 0)) / 1024, float(fields.get("RssAnon", 0)) / 1024)


def write(folder: Path, steps: int, values: int) -> None:
    """Inputs, zero but for a signal in every thousandth step, and outcomes that say which it was 500 steps before."""
    folder.mkdir()
    inputs = np.lib.format.open_memmap(folder / "inputs.npy", "w+", np.float32, (steps, values))
    outcomes = np.lib.format.open_memmap(folder / "outcomes.npy", "w+", np.int32, (steps,))
    outcomes[:] = -1
    signs = np.random.default_rng(0).integers(0, 2, len(range(0, steps - 500, 1000)))
    for place, sign in zip(range(0, steps - 500, 1000), signs, strict=True):
        inputs[place, 0] = 2.0 * sign - 1.0
        outcomes[place + 500] = sign
    inputs.flush()
    outcomes.flush()


def stream(steps: int, values: int) -> None:
    """One pass of MemUP through a file."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write(folder / "train", steps, values)
        write(folder / "held", 20_000, values)
        updates = steps // (ROLLOUT * BRANCHES)
        options = ["--task.train", folder / "train", "--task.held-out", folder / "held", "--task.unknown"]
        options += ["--task.classes", "2", "--batch-size", str(BRANCHES), "--rule.rollout", str(ROLLOUT)]
        options += ["--steps", str(updates), "--num-evals", "1", "--out", folder / "run"]
        began, seen = time.monotonic(), []
        process = subprocess.Popen([sys.executable, "-m", "vestige", "run", "stream", *options, "-q"])
        while process.poll() is None:
            seen.append(resident(process.pid))
            time.sleep(1)
        if process.returncode:
            raise SystemExit(f"vestige run ended with {process.returncode}")
        took = time.monotonic() - began
        at = [f"{seen[int(share * (len(seen) - 1))][1]:,.0f}" for share in (0.25, 0.5, 0.75, 0.95)]
        shares = "MiB without pages of files, at 25 % | 50 % | 75 % | 95 %"
        print(f"| steps | file, GB | updates | seconds | {shares} | most, with them |")
        print("|---|---|---|---|---|---|---|---|---|")
        most = max(whole for whole, _ in seen)
        whole = steps * (values + 1) * 4 / GIGABYTE
        print(f"| {steps:,} | {whole:.1f} | {updates:,} | {took:.0f} | {' | '.join(at)} | {most:,.0f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", nargs="+", default=[name for name, _ in registry("rule").items()])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--stream", type=int, help="steps of a file to train on, in place of the table")
    parser.add_argument("--values", type=int, default=250)
    given = parser.parse_args()
    if given.stream:
        stream(given.stream, given.values)
    else:
        account(given.rules, tuple(given.lengths))
