"""`vestige predict` on a table of many rows: steps a second, and memory while it goes on. For docs/results/own-data.md.

    python benchmarks/long_table.py [--rows 100000 1000000 10000000]

A run of `vestige fit` is trained on 20,000 rows of a process of two channels; then files of Parquet of that process are
predicted, each by a command of its own, whose resident memory is read once a second. Linux.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK = 1_000_000
TRAINED_ON = 20_000


def write(path: Path, rows: int, seed: int) -> None:
    """A stationary vector autoregression, a block at a time."""
    draw = np.random.default_rng(seed)
    matrix, state = np.array([[0.9, 0.05], [-0.1, 0.8]]), np.zeros(2)
    schema = pa.schema([("time", pa.int64()), ("a", pa.float64()), ("b", pa.float64())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, BLOCK):
            noise = draw.normal(size=(min(BLOCK, rows - start), 2))
            made = np.empty_like(noise)
            for row, shock in enumerate(noise):
                state = matrix @ state + shock
                made[row] = state
            columns = [np.arange(start, start + len(made)), made[:, 0], made[:, 1]]
            writer.write_table(pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema))


def resident(pid: int) -> float:
    """MiB of a process; 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0
    return pages * 4096 / 2**20


def main(sizes: list[int]) -> None:
    """A row for each size."""
    vestige = [sys.executable, "-m", "vestige.cli"]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write(folder / "train.parquet", TRAINED_ON, 0)
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*vestige, "fit", folder / "train.parquet", "--out", folder / "run", "--steps", "100"], **quiet)
        print("| rows | seconds | steps a second | MiB at a tenth | half | nine tenths | most |")
        print("|---|---|---|---|---|---|---|")
        for rows in sizes:
            write(folder / "long.parquet", rows, 1)
            out = folder / "out.parquet"
            began, seen = time.monotonic(), []
            command = [*vestige, "predict", folder / "run", folder / "long.parquet", "--out", out, "--force"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while process.poll() is None:
                seen.append(resident(process.pid))
                time.sleep(1)
            took = time.monotonic() - began
            if process.returncode:
                raise SystemExit(f"predict ended with {process.returncode}")
            at = [f"{seen[int(share * (len(seen) - 1))]:,.0f}" for share in (0.1, 0.5, 0.9)]
            written = pq.ParquetFile(out).metadata.num_rows
            assert written == rows, (written, rows)
            print(f"| {rows:,} | {took:.0f} | {rows / took:,.0f} | {' | '.join(at)} | {max(seen):,.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    main(parser.parse_args().rows)
