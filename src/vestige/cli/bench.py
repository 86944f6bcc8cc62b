"""`vestige bench`."""

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from vestige.checks import at_least, finite, positive, seed
from vestige.cli.compare import variants
from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import simple
from vestige.errors import RunError
from vestige.registries import registry

if TYPE_CHECKING:
    from vestige.training.measure import Cost


@dataclasses.dataclass(frozen=True)
class BenchSettings:
    """What to measure."""

    experiment: tyro.conf.Positional[str] = "perfect-recall"
    """An experiment of the catalogue."""
    preset: str = "small"
    """Its preset; only the sizes matter. Data that are not here are replaced by noise of the same shape."""
    updates: int = 50
    """Updates per block; rounded up to whole batches where a rule works through one in many updates."""
    blocks: int = 9
    """Blocks; the median is quoted."""
    seconds: float | None = 60.0
    """For each variant; one that would take longer is timed in shorter blocks, and fewer. None: never."""
    vary: str = ""
    """What is timed side by side, as in `vestige compare`; by default what the experiment is about."""
    seed: int = 0
    """Seed of weights and data."""
    json: Path | None = None
    """Also write the numbers to this file."""

    def __post_init__(self):
        finite(self)
        seed(self, "seed")
        at_least(self, 1, "updates", "blocks")
        positive(self, "seconds")


def main(arguments: list[str]) -> int:
    """Time to first update, cold and with a warm compilation cache; cost per update of each variant."""
    settings = simple("bench", "Speed and memory on this machine.", BenchSettings, arguments)
    entry = registry("experiment").find(settings.experiment)
    varied, members = variants(entry.preset(settings.preset), settings.vary or entry.bench, entry.name)
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (_first_update(settings, Path(cache)) for _ in range(2))
    from vestige.numerics.threefry import write_out_threefry
    from vestige.runs.bench import measure_variants
    from vestige.runs.folder import device, versions, write_json
    from vestige.training.measure import matmul_rate, peak_resident_bytes

    write_out_threefry()  # as runs do
    before = matmul_rate()
    lengths = {"updates": settings.updates, "blocks": settings.blocks, "seconds": settings.seconds}
    costs, left_out = measure_variants(members, **lengths, seed=settings.seed)
    if not costs:
        raise RunError("; ".join(f"{name} was left out: {why}" for name, why in left_out.items()))
    rate = (before + matmul_rate()) / 2
    print(f"{settings.experiment}, preset {settings.preset}, on {device()}; load average {os.getloadavg()[0]:.1f}")
    print(f"process start to first update: {cold:.1f} s cold, {warm:.1f} s with a warm compilation cache")
    print(f"float32 product of 1024 x 1024 matrices: {rate:.0f} GFLOP/s")
    print_grid(_table(varied, costs, rate))
    for name, why in left_out.items():
        print(f"{name} was left out: {why}")
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
                "left_out": left_out,
                "versions": versions(),
                "device": device(),
            },
        )
    return 0


def _table(varied: str, costs: "dict[str, tuple[int, Cost]]", rate: float) -> Grid:
    """What an update costs. Weights are given where they differ, a whole batch where a rule works through it in several
    updates, and arithmetic where it was counted."""
    sizes = {parameters for parameters, _ in costs.values()}
    batches = any(cost.cycle > 1 for _, cost in costs.values())
    counted = any(cost.gigaflop is not None for _, cost in costs.values())
    captions = [f"weights of each: {size:,}" for size in sizes if len(sizes) == 1]
    captions += ["updates: that work through a batch; batch: ms of all of them"] if batches else []
    captions += ["rate: share of that product's GFLOP/s" if counted else "arithmetic is not counted: there are loops"]
    headings = {"weights": len(sizes) > 1, "ms": True, "range": True, "updates": batches, "batch": batches}
    headings |= {"GFLOP": counted, "rate": counted, "compile s": True, "temp MiB": True}
    shown = [heading for heading, there in headings.items() if there]
    rows = []
    for name, (parameters, cost) in costs.items():
        given = {
            "weights": f"{parameters:,}",
            "ms": _milliseconds(cost.milliseconds, 2),
            "range": f"{_milliseconds(cost.fastest, 1)}-{_milliseconds(cost.slowest, 1)}",
            "updates": f"{cost.cycle:,}",
            "batch": _milliseconds(cost.cycle * cost.milliseconds, 1),
            **_arithmetic(cost, rate),
            "compile s": f"{cost.compile_seconds:.1f}",
            "temp MiB": f"{cost.temporary_bytes / 2**20:,.1f}",
        }
        rows.append([name, *(given[heading] for heading in shown)])
    return Grid([varied, *shown], rows, "cost of one update (rule, optimiser, data)", "\n".join(captions))


def _milliseconds(value: float, places: int) -> str:
    return f"{value:,.{places if value < 100 else 0}f}"


def _arithmetic(cost: "Cost", rate: float) -> dict[str, str]:
    if cost.gigaflop is None:
        return {"GFLOP": "-", "rate": "-"}
    share = cost.gigaflop / (cost.milliseconds / 1e3) / rate
    return {"GFLOP": f"{cost.gigaflop:.2f}", "rate": f"{share:.0%}"}


def _first_update(settings: BenchSettings, cache: Path) -> float:
    """Seconds from the start of a fresh process to the end of its first update."""
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(cache)}
    command = [
        sys.executable,
        "-m",
        "vestige.runs.bench",
        settings.experiment,
        settings.preset,
        str(settings.seed),
    ]
    began = time.time()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"the measured process failed: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout) - began
