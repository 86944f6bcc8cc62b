"""Kill a run five times at random moments, resume it, and compare with a run never killed.

    python benchmarks/kill_and_resume.py [--kills 5] [--seed 0] [--steps 5000]

Each kill waits for a random update to be logged and then up to 0.3 s. Prints where it fell
 and whether the final metrics agree bit for bit. Exit code 1 if they do not.
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


def logged(folder: Path) -> int:
    log = folder / "metrics.jsonl"
    lines = log.read_text().splitlines()[:-1] if log.exists() else []  # the last may be half written
    return json.loads(lines[-1])["step"] if lines else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=5000)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    targets = sorted(chance.randrange(options.steps) for _ in range(options.kills))
    with tempfile.TemporaryDirectory() as scratch:
        whole, cut = Path(scratch, "whole"), Path(scratch, "cut")
        start(whole, options.steps).communicate()
        for target in targets:
            process = start(cut, options.steps, "--resume")
            while process.poll() is None and logged(cut) < target:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.3))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            print(f"SIGKILL when update {logged(cut)} was logged; newest checkpoint {newest(cut)}", flush=True)
        start(cut, options.steps, "--resume").communicate()
        metrics = [json.loads((folder / "results.json").read_text())["metrics"] for folder in (whole, cut)]
    same = metrics[0] == metrics[1]
    print(json.dumps(metrics[0], indent=1))
    print("identical bit for bit" if same else f"DIFFERENT: {metrics[1]}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
