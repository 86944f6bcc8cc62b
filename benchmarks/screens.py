"""The screens of the main commands at 40, 80 and 120 columns, as they are, for docs/screens.md.

python benchmarks/screens.py > docs/screens.md
"""

import itertools
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTHS = (40, 80, 120)
TABLE = "time,temperature,humidity\n" + "\n".join(
    f"2024-01-{1 + i // 24:02} {i % 24:02}:00,{10 + i % 24 / 2},{0.5 + i % 7 / 20:.2f}" for i in range(480)
)
SCREENS = (
    ("The first command", ("list", "toy-matching")),
    ("A run in a log", ("run", "toy-matching", "--steps", "600", "--out", "first")),
    ("A comparison", ("compare", "toy-matching", "--vary", "n=3,4", "--steps", "100", "--jobs", "1", "--out", "many")),
    ("What a file is", ("data", "describe", "measured.csv")),
    ("Metrics again", ("evaluate", "first", "-q")),
    ("Many runs", ("runs", ".")),
    ("What can be removed", ("runs", "prune", ".", "--dry-run")),
    ("A misspelt option", ("run", "toy-matching", "--stesp", "3")),
)


def environment(width: int) -> dict[str, str]:
    return {**os.environ, "COLUMNS": str(width), "LINES": "50", "PYTHONIOENCODING": "utf-8"}


def screen(arguments: tuple[str, ...], folder: Path, width: int) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "vestige", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(width), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    lines = done.stdout.decode().rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def display(folder: Path, width: int) -> str:
    """The display of a terminal in the middle of a run: its last line about the updates, and the line above."""
    command = [sys.executable, "-m", "vestige", "run", "toy-matching", "--steps", "900", "--out", "live"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder, env={**environment(width), "TERM": "xterm"}, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            drawn += part
        process.wait()
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;]*m", "", drawn.decode(errors="replace"))
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "\n", text).splitlines() if line.strip()]
    pairs = [(above, bar) for above, bar in itertools.pairwise(lines) if above.startswith("training") and "/s" in bar]
    return "\n".join(pairs[len(pairs) // 2])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        screen(SCREENS[1][1], Path(name), 80)
        page(Path(name))


def page(kept: Path) -> None:
    """Print it; `kept` holds the run that later commands look at."""
    print("# Screens\n")
    print(
        "What the main commands print at 40, 80 and 120 columns, made by `python benchmarks/screens.py`. Times are\n"
        "those of the machine that ran it.\n"
    )
    for title, arguments in SCREENS:
        print(f"## {title}\n\n`vestige {' '.join(arguments)}`\n")
        for width in WIDTHS:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                (folder / "measured.csv").write_text(TABLE + "\n")
                if arguments[0] in ("evaluate", "runs"):
                    shutil.copytree(kept / "first", folder / "first")
                print(f"{width} columns:\n\n```text\n{screen(arguments, folder, width)}\n```\n")
    print("## The display of a run on a terminal\n\n`vestige run toy-matching --steps 900`\n")
    for width in WIDTHS:
        with tempfile.TemporaryDirectory() as name:
            print(f"{width} columns:\n\n```text\n{display(Path(name), width)}\n```\n")


if __name__ == "__main__":
    main()
