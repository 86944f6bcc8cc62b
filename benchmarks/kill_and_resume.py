"""Kill a run five times at random moments, resume it, and compare with a run never killed.

    python benchmarks/kill_and_resume.py [--kills 5] [--seed 0] [--steps 3000]

Prints where each kill fell and whether the final metrics agree bit for bit. Exit code 1 if they do not.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def start(folder: Path, steps: int, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "vestige.cli", "run", "perfect-recall", "--steps", str(steps)]
    return subprocess.Popen([*command, "--out", str(folder), *more], stdout=subprocess.PIPE, text=True)


def newest(folder: Path) -> int:
    steps = [int(path.parent.name) for path in folder.glob("checkpoints/*/manifest.json")]
    return max(steps, default=0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        whole, cut = Path(scratch, "whole"), Path(scratch, "cut")
        began = time.monotonic()
        start(whole, options.steps).communicate()
        duration = time.monotonic() - began
        print(f"never killed: {duration:.1f} s")
        for kill in range(options.kills):
            process = start(cut, options.steps, "--resume")
            delay = moments.uniform(0.2, 0.9) * duration
            try:
                process.communicate(timeout=delay)
                print(f"kill {kill + 1}: the run had finished before {delay:.1f} s")
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                print(f"kill {kill + 1}: SIGKILL after {delay:.1f} s; newest checkpoint {newest(cut)}")
        start(cut, options.steps, "--resume").communicate()
        metrics = [json.loads((folder / "results.json").read_text())["metrics"] for folder in (whole, cut)]
    same = metrics[0] == metrics[1]
    print(json.dumps(metrics[0], indent=1))
    print("identical bit for bit" if same else f"DIFFERENT: {metrics[1]}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
