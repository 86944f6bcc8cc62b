"""Break the code on purpose, one small fault at a time, and see whether the tests notice.

    python benchmarks/mutations/run.py                 every mutation, by the fast tests named beside it
    python benchmarks/mutations/run.py NAME ...        some of them
    python benchmarks/mutations/run.py --slow          by the slow tests too
    python benchmarks/mutations/run.py --check         only whether the list fits the code

Each mutation is applied to a copy of the tree in a temporary folder; the tree itself is never touched. The tests it
names are run on the sound copy first: where they fail there, nothing is learned. Exit code 0: all caught; 1: one
survived, or its tests fail without it; 2: the list does not fit the code.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.toml")
COPIED = ("src", "tests", "docs", "examples", "benchmarks", "README.md", "CHANGELOG.md", "pyproject.toml")
FAILED, PASSED = 1, 0  # pytest's exit codes; all others mean that it could not say


@dataclass(frozen=True)
class Mutation:
    """A fault: `original` in `file` becomes `mutated`, and one of `tests` must fail."""

    name: str
    file: str
    original: str
    mutated: str
    tests: tuple[str, ...]

    def faults(self, root: Path) -> list[str]:
        """Why it cannot be applied to the tree at `root`; empty where it can."""
        path = root / self.file
        if not path.is_file():
            return [f"{self.name}: {self.file} does not exist"]
        found = path.read_text().count(self.original)
        faults = [f"{self.name}: {test} does not exist" for test in self.tests if not (root / test).exists()]
        if found != 1:
            faults.append(f"{self.name}: {self.original!r} occurs {found} times in {self.file}, expected once")
        if self.original == self.mutated or not self.tests:
            faults.append(f"{self.name}: changes nothing, or names no tests")
        return faults

    def apply(self, root: Path) -> str:
        """Change the file, and return what it was."""
        path = root / self.file
        sound = path.read_text()
        path.write_text(sound.replace(self.original, self.mutated))
        return sound


def read(path: Path) -> list[Mutation]:
    """The list. **Raises:** `SystemExit` where two mutations share a name."""
    entries = tomllib.loads(path.read_text())["mutation"]
    mutations = [Mutation(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]
    names = [mutation.name for mutation in mutations]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        stop(f"{path.name}: names must differ, got {', '.join(twice)} more than once")
    return mutations


def stop(message: str) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(2)


def copied(root: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, root / name)


def tested(root: Path, tests: tuple[str, ...], *, slow: bool) -> tuple[int, str]:
    """pytest's exit code on the copy, and the end of what it printed. Up to the first failure, in one process.

    Bytecode is not written: a mutation of the same size within the same second would run as what it replaced.
    """
    marks = ["-m", ""] if slow else []
    cache = ["-o", f"cache_dir={root / '.cache'}"]  # compiled programs are shared by all mutations
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", *cache, *marks, *tests]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr)[-2000:]


def noticed(output: str) -> str:
    """The first test that failed."""
    return next((line.split()[1] for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))), "")


def seconds() -> float:
    """CPU time of the processes that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description="Break the code on purpose and see whether the tests notice.")
    parser.add_argument("names", nargs="*", help="mutations to run; all by default")
    parser.add_argument("--slow", action="store_true", help="run the slow tests too")
    parser.add_argument("--check", action="store_true", help="only check that the list fits the code")
    options = parser.parse_args()

    mutations = read(LIST)
    if unknown := sorted(set(options.names) - {mutation.name for mutation in mutations}):
        stop(f"{LIST.name} holds no mutation called {', '.join(unknown)}")
    if faults := [fault for mutation in mutations for fault in mutation.faults(ROOT)]:
        stop("\n".join(faults))
    if options.check:
        print(f"{len(mutations)} mutations, each found once")
        return 0
    chosen = [mutation for mutation in mutations if not options.names or mutation.name in options.names]

    caught, failed, sound_tests = 0, [], {}
    with tempfile.TemporaryDirectory(prefix="vestige-mutations-") as folder:
        root = Path(folder)
        copied(root)
        for mutation in chosen:
            if mutation.tests not in sound_tests:
                sound_tests[mutation.tests] = tested(root, mutation.tests, slow=options.slow)
            code, output = sound_tests[mutation.tests]
            if code != PASSED:
                failed.append(mutation.name)
                print(f"unsound   {mutation.name}: {' '.join(mutation.tests)} fail without it\n{output}", flush=True)
                continue
            before = seconds()
            sound = mutation.apply(root)
            code, output = tested(root, mutation.tests, slow=options.slow)
            (root / mutation.file).write_text(sound)
            took = f"{seconds() - before:.0f} s of CPU time"
            if code == FAILED:
                caught += 1
                print(f"caught    {mutation.name} ({took}) {noticed(output)}", flush=True)
            else:
                failed.append(mutation.name)
                kind = "survived" if code == PASSED else f"exit {code}  "
                print(f"{kind}  {mutation.name} ({took}) {mutation.file}", flush=True)
    print(f"{caught} of {len(chosen)} caught" + (f"; not caught: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
