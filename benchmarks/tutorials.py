"""The pages of docs/tutorials, each made by running the script beside it: python benchmarks/tutorials.py [NAME …].

A script is plain Python in cells. `# %% [markdown]` begins a cell of comments that are the text of the page, `# %%` one
of code whose output and figures follow it, and `# %% [check]` code that is run and not shown: it asserts what the text
says of the results. `# %% [file]` is a module that is written and not run, under the name in its first line, a comment;
`# %% [sh]` is commands in comments, for the shell. With --check everything is run and nothing is written.
"""

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TUTORIALS = Path(__file__).parent.parent / "docs" / "tutorials"
KINDS = ("code", "markdown", "check", "file", "sh")
MARK = re.compile(r"^# %%(?: \[(\w+)\])?\n", re.MULTILINE)


class Cell(NamedTuple):
    """A piece of a script: its kind, its text, and the line on which it begins."""

    kind: str
    text: str
    line: int


def cells(source: str) -> list[Cell]:
    """The cells of a script. Whatever stands before the first mark is refused."""
    marks = list(MARK.finditer(source))
    if not marks or source[: marks[0].start()].strip():
        raise SystemExit("a tutorial begins with a cell: # %% [markdown]")
    ends = [mark.start() for mark in marks[1:]] + [len(source)]
    found = []
    for mark, end in zip(marks, ends, strict=True):
        kind = mark[1] or "code"
        if kind not in KINDS:
            raise SystemExit(f"the kind of a cell is one of {', '.join(KINDS)}, got [{kind}]")
        text = source[mark.end() : end].strip("\n")
        if kind in ("markdown", "sh"):
            text = "\n".join(re.sub("^# ?", "", line) for line in text.splitlines())
        found.append(Cell(kind, text, source[: mark.end()].count("\n")))
    return found


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def frame(name: str) -> list[str]:
    """What the page shows of its source, in order: texts and blocks of code, without results."""
    shown = [cell for cell in cells((TUTORIALS / f"{name}.py").read_text()) if cell.kind != "check"]
    return [shown_as(cell) for cell in shown]


def shown_as(cell: Cell) -> str:
    """How the page shows a cell."""
    if cell.kind == "markdown":
        return cell.text
    return fenced("sh" if cell.kind == "sh" else "python", cell.text)


def figures(name: str, folder: Path, count: int) -> list[str]:
    """Save and close the open figures; how the page shows them. The label of a figure is its description."""
    import matplotlib.pyplot as plt

    shown = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        file = f"{name}-{count + len(shown) + 1}.svg"
        figure.savefig(folder / file, metadata={"Date": None}, bbox_inches="tight")
        shown.append(f"![{figure.get_label()}]({file})")
        plt.close(figure)
    return shown


def executed(cell: Cell, source: Path, names: dict[str, object]) -> str:
    """What a cell of code, a file or commands print. Files are written into the current folder."""
    if cell.kind == "file":
        Path(cell.text.splitlines()[0].removeprefix("# ")).write_text(cell.text + "\n")
        return ""
    if cell.kind == "sh":
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
        command = ["bash", "-euo", "pipefail", "-c", cell.text]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * cell.line + cell.text, str(source), "exec"), names)
    return printed.getvalue()


def run(name: str, folder: Path) -> str:
    """Run a script in this process; the text of its page. Figures go into `folder`."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "vestige", "svg.fonttype": "none", "figure.figsize": (7.5, 2.8)})
    matplotlib.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
    source = TUTORIALS / f"{name}.py"
    names: dict[str, object] = {"__name__": "__main__", "__file__": str(source)}
    parts: list[str] = []
    pictures = 0
    sys.path.insert(0, os.getcwd())
    started, used = time.perf_counter(), time.process_time()
    for cell in cells(source.read_text()):
        if cell.kind != "check":
            parts.append(shown_as(cell))
        if cell.kind == "markdown":
            continue
        printed = executed(cell, source, names)
        if printed.strip() and cell.kind != "check":
            parts.append(fenced("text", printed.rstrip("\n")))
        made = figures(name, folder, pictures)
        pictures += len(made)
        parts += made
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"{name}: {wall:.0f} s, {cpu:.0f} s of CPU time", file=sys.stderr)
    return "\n\n".join([*parts, colophon(name, cpu)]) + "\n"


def colophon(name: str, cpu: float) -> str:
    import platform

    import jax

    made = f"`python benchmarks/tutorials.py {name}`: {cpu:.0f} s of CPU time on {processor()}"
    versions = f"jax {jax.__version__}, Python {platform.python_version()}"
    return (
        f"---\n\n*This page is [{name}.py]({name}.py), run by {made}, {versions}. Text output and pictures are those "
        "of that run.*"
    )


def processor() -> str:
    """The processor, as Linux names it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"a core of {line.split(':')[1].strip()}"
    return "an unnamed processor"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = sorted(path.stem for path in TUTORIALS.glob("*.py"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(known)}; all by default")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(known))
    if unknown:
        parser.error(f"no tutorial is called {', '.join(unknown)}; there are {', '.join(known)}")
    if not options.here:  # each in a process of its own, in a folder that is thrown away
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        more = ["--check"] if options.check else []
        for name in options.names or known:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, str(Path(__file__).resolve()), "--here", *more, name]
                if subprocess.run(command, cwd=folder, env=environment, check=False).returncode:
                    print(f"docs/tutorials/{name}.py failed", file=sys.stderr)
                    return 1
        return 0
    (name,) = options.names
    page = run(name, Path.cwd() if options.check else TUTORIALS)
    if not options.check:
        (TUTORIALS / f"{name}.md").write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
