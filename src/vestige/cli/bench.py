"""`vestige bench`."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tyro

from vestige.cli.parse import simple
from vestige.errors import RunError
from vestige.experiments import find
from vestige.experiments.abilities import AbstractTimed
from vestige.experiments.catalogue import able


@dataclasses.dataclass(frozen=True)
class BenchSettings:
    """What to measure."""

    experiment: tyro.conf.Positional[str] = "perfect-recall"
    """An experiment of the catalogue."""
    preset: str = "small"
    """Its preset; only the sizes matter. Data that are not here are replaced by noise of the same shape."""
    updates: int = 50
    """Updates per block."""
    blocks: int = 9
    """Blocks; the median is quoted."""
    seed: int = 0
    """Seed of weights and data."""
    json: Path | None = None
    """Also write the numbers to this file."""


def main(arguments: list[str]) -> int:
    """Time to first update, cold and with a warm compilation cache; cost per update of each rival."""
    settings = simple("bench", "Speed and memory on this machine.", BenchSettings, arguments)
    entry = find(settings.experiment)
    options = able(entry, entry.preset(settings.preset), AbstractTimed, command="bench")
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (_first_update(settings, Path(cache)) for _ in range(2))
    from rich.console import Console

    from vestige.cli.tables import plain_table
    from vestige.experiments.bench import measure_rivals
    from vestige.experiments.folder import device, versions, write_json
    from vestige.training.measure import matmul_rate, peak_resident_bytes

    before = matmul_rate()
    costs = measure_rivals(options, updates=settings.updates, blocks=settings.blocks, seed=settings.seed)
    rate = (before + matmul_rate()) / 2
    print(f"{settings.experiment}, preset {settings.preset}, on {device()}; load average {os.getloadavg()[0]:.1f}")
    print(f"process start to first update: {cold:.1f} s cold, {warm:.1f} s with a warm compilation cache")
    print(f"float32 product of 1024 x 1024 matrices: {rate:.0f} GFLOP/s")
    table = plain_table("cost of one update (rule, optimiser, data)", "rate: share of that product's GFLOP/s")
    headings = (options.varied, "weights", "ms", "range", "GFLOP", "rate", "compile s", "temp MiB")
    for heading in headings:
        left = heading == options.varied
        table.add_column(heading, justify="left" if left else "right", overflow="fold", no_wrap=left)
    for name, (parameters, cost) in costs.items():
        share = cost.gigaflop / (cost.milliseconds / 1e3) / rate
        table.add_row(
            name,
            f"{parameters:,}",
            f"{cost.milliseconds:.2f}",
            f"{cost.fastest:.1f}-{cost.slowest:.1f}",
            f"{cost.gigaflop:.2f}",
            f"{share:.0%}",
            f"{cost.compile_seconds:.1f}",
            f"{cost.temporary_bytes / 2**20:.1f}",
        )
    Console().print(table)
    state = max(cost.state_bytes for _, cost in costs.values())
    print(f"trained state, weights and optimiser: {state / 2**20:.1f} MiB")
    print(f"peak resident memory of this process: {peak_resident_bytes() / 2**20:.0f} MiB")
    if settings.json is not None:
        write_json(
            settings.json,
            {
                "first_update_seconds": {"cold": cold, "warm": warm},
                "matmul_gflops": rate,
                "costs": {name: {"parameters": n, **cost._asdict()} for name, (n, cost) in costs.items()},
                "versions": versions(),
                "device": device(),
            },
        )
    return 0


def _first_update(settings: BenchSettings, cache: Path) -> float:
    """Seconds from the start of a fresh process to the end of its first update."""
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    command = [
        sys.executable,
        "-m",
        "vestige.experiments.bench",
        settings.experiment,
        settings.preset,
        str(settings.seed),
    ]
    began = time.time()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"the measured process failed: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout) - began
