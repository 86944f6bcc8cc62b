"""Kill runs of all kinds of experiments, resume them, and compare with runs that were never killed.

    python benchmarks/attack/kills.py [--kills 212] [--seed 0] [--only NAME,…] [--json FILE]

Each kind, at its smallest settings, is run once whole. Then it is run in another folder and killed with SIGKILL,
resumed and killed again, up to four times, and resumed to its end, until the kind has its share of the kills. Half of
the kills come at a random moment; the others at a random operation on a file (before or after one that flushes, renames
or removes), where a folder is most easily harmed. Of the comparison, which runs two workers, the parent or one of the
workers is killed. At the end metrics must be those of the whole run bit for bit, the log its log but for seconds, and
`vestige verify` content. Exit code 1 if one is not.

Runs are forked off a process that has imported Vestige, and share compiled programs.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

FRAMES = ("--task.l", "3", "--task.k", "2", "--model.latent-size", "4", "--model.controller-size", "8")
FEW = ("--batch-size", "4")
SMALL = ("--steps", "20", "--num-evals", "2", "--eval-size", "16")
TOY = ("toy-matching", "--steps", "20", "--eval-size", "16", "--num-evals", "2", "--task.n", "3")
KINDS: dict[str, tuple[str, ...]] = {
    "perfect-recall": ("run", "perfect-recall", *FRAMES, "--model.width", "8", *FEW, *SMALL),
    "recall": ("run", "recall", "--task.distance", "12", "--cell.hidden", "4", "--rollout", "4", *FEW, *SMALL),
    "tmaze": ("run", "tmaze", "--task.length", "3", "--rule.updates", "8", *SMALL),
    "sensor-fusion": ("run", "sensor-fusion", "--task.length", "20", *FEW, *SMALL),
    "bars-and-stripes": ("run", "bars-and-stripes", "--model.layers", "4-2", *FEW, *SMALL),
    "calibration": ("run", "calibration", *FEW, *SMALL),
    "toy-matching": ("run", *TOY),
    "comparison": ("compare", *TOY, "--vary", "estimator=relax,leave-one-out", "--jobs", "2"),
}
"""The command of each kind, without --out and --resume."""
WEIGHTS = {"comparison": 1}
"""Kinds that have another share of the kills than 2: each of its kills costs three processes."""
OPERATIONS = ("fsync", "replace", "rename", "unlink")
AT_ONCE = 4
"""How many times one folder is killed at most before it may come to its end."""
PATIENCE = 600.0  # seconds for one process; longer means that it hangs


class Strike(NamedTuple):
    """When a process is killed."""

    moment: float | None
    """Seconds after its start."""
    operation: int | None
    """Or the number of the operation on a file."""
    before: bool
    """Whether the operation is not carried out any more."""


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    """Exit code; -9 where it was killed."""
    said: str
    seconds: float
    operations: int


def forked(arguments: list[str], log: Path, strike: Strike | None = None, worker: bool = False) -> Ended:
    """`vestige` with these arguments in a process forked off this one, killed where `strike` says."""
    began, counted = time.monotonic(), log.with_suffix(".count")
    counted.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        _child(arguments, log, counted, strike)
    struck, status = False, 0
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        passed = time.monotonic() - began
        if strike and strike.moment is not None and not struck and passed >= strike.moment:
            struck = True
            os.kill(_victim(pid) if worker else pid, signal.SIGKILL)
        if passed > PATIENCE:
            os.kill(pid, signal.SIGKILL)
            raise SystemExit(f"{' '.join(arguments)} hangs: {log.read_text()[-2000:]}")
        time.sleep(0.005)
    operations = counted.stat().st_size if counted.exists() else 0
    return Ended(os.waitstatus_to_exitcode(status), log.read_text(), time.monotonic() - began, operations)


def _child(arguments: list[str], log: Path, counted: Path, strike: Strike | None) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    count = os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    done = 0

    def watched(operation: Callable[..., Any]) -> Callable[..., Any]:
        def carried_out(*given: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            os.write(count, b".")
            here = strike is not None and strike.operation == done
            if here and strike is not None and strike.before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = operation(*given, **named)
            if here:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return carried_out

    for name in OPERATIONS:
        setattr(os, name, watched(getattr(os, name)))
    from vestige.cli import main

    code = 1
    try:
        main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _victim(parent: int) -> int:
    """One of the workers of a comparison; the comparison itself while it has none."""
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"spawn_main" in command:
            children.append(int(status.parent.name))
    return random.choice(children) if children else parent


def import_all() -> None:
    """What every run imports, without a device being touched: a process that has none may be forked."""
    for name in ("run", "compare", "verify"):
        __import__(f"vestige.cli.{name}")
    for name in (
        "vestige.runs.execution", "vestige.runs.executors.local", "vestige.report.run_page",
        "vestige.report.comparison_page", "vestige.report.plot", "matplotlib.pyplot", "numpyro.distributions",
        "sklearn.datasets", "vestige.training.loop", "tensorboardX",
    ):  # fmt: skip
        __import__(name)


class Kind:
    """One kind of experiment under attack."""

    def __init__(self, name: str, scratch: Path, chance: random.Random):
        self.name, self.command, self.chance = name, list(KINDS[name]), chance
        self.folder, self.log, whole = scratch / name / "cut", scratch / name / "log", scratch / name / "whole"
        (scratch / name).mkdir()
        self._ended(forked([*self.command, "--out", str(whole)], self.log))  # compiles
        shutil.rmtree(whole)
        self.reference = self._ended(forked([*self.command, "--out", str(whole)], self.log))
        self.expected = results(whole)
        self.where = collections.Counter[str]()

    def _ended(self, ended: Ended) -> Ended:
        if ended.code:
            raise SystemExit(f"{self.name} failed: {ended.said[-2000:]}")
        return ended

    def strike(self) -> tuple[Strike, bool]:
        """The next one, and whether it is for a worker."""
        workers = self.name == "comparison"
        if not workers and self.chance.random() < 0.5:
            operation = self.chance.randint(1, self.reference.operations)
            return Strike(None, operation, self.chance.random() < 0.5), False
        moment = self.chance.uniform(0.0, self.reference.seconds)
        return Strike(moment, None, False), workers and self.chance.random() < 0.5

    def round(self, most: int) -> tuple[int, list[str]]:
        """Kill a run up to `most` times, and let it come to its end: how many kills there were, and what went wrong."""
        shutil.rmtree(self.folder, ignore_errors=True)
        resume, kills = [*self.command, "--out", str(self.folder), "--resume"], 0
        for _ in range(most):
            strike, worker = self.strike()
            ended = forked(resume, self.log, strike, worker)
            if ended.code not in (0, -signal.SIGKILL, 1 if worker else 0):
                return kills, [f"{self.name}: exit code {ended.code} on the way: {ended.said[-1000:]}"]
            if ended.code == 0:
                break
            kills += 1
            random_moment = "a worker" if ended.code == 1 else "a random moment"
            self.where[random_moment if strike.operation is None else "an operation on a file"] += 1
        last = forked(resume, self.log)
        faults = [f"exit code {last.code} at the end: {last.said[-1500:]}"] if last.code else []
        faults += ["a traceback"] if "Traceback" in last.said else []
        if not faults and (found := results(self.folder)) != self.expected:
            faults.append(f"other results: {differing(self.expected, found)}")
        verified = forked(["verify", str(self.folder)], self.log)
        faults += [f"not sound: {verified.said}"] if verified.code else []
        left = [str(path) for path in self.folder.rglob("*") if ".damaged-" in path.name or path.name == "lock.json"]
        faults += [f"left behind: {left}"] if left else []
        return kills, [f"{self.name}: {fault}" for fault in faults]


def results(folder: Path) -> dict[str, Any]:
    """Metrics and logs of a folder, of every run in it; all that must not depend on kills."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("results.json")):
        told = json.loads(path.read_text())
        members = told.get("members", {"": told})
        found[str(path.relative_to(folder))] = {name: each["metrics"] for name, each in members.items()}
    for path in sorted(folder.rglob("metrics.jsonl")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        found[str(path.relative_to(folder))] = [{**line, "seconds": None} for line in lines]
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The first entries that differ."""
    names = [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]
    return "; ".join(f"{name}: {str(one.get(name))[:300]} and {str(other.get(name))[:300]}" for name in names[:3])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=212)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas between them")
    parser.add_argument("--json", type=Path, help="where to write the counts")
    options = parser.parse_args()
    names = options.only.split(",")
    random.seed(options.seed)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    began, counts, wrong = time.monotonic(), dict[str, dict[str, int]](), list[str]()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(scratch, "compiled")))
        import_all()
        for place, name in enumerate(names):
            share = options.kills * WEIGHTS.get(name, 2) // sum(WEIGHTS.get(each, 2) for each in names) + (place == 0)
            kind = Kind(name, Path(scratch), random.Random(f"{options.seed} {name}"))
            kills = rounds = 0
            while kills < share:
                done, faults = kind.round(min(AT_ONCE, share - kills))
                kills, rounds, wrong = kills + done, rounds + 1, wrong + faults
                for fault in faults:
                    print(fault, flush=True)
            counts[name] = {"kills": kills, "runs": rounds, **kind.where}
            print(f"{name}: {counts[name]}, {len(wrong)} wrong so far, {time.monotonic() - began:.0f} s", flush=True)
    total = sum(each["kills"] for each in counts.values())
    print(f"{total} kills in {time.monotonic() - began:.0f} s: {len(wrong)} wrong")
    if options.json:
        told = {"seed": options.seed, "kills": total, "wrong": wrong, "kinds": counts}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
