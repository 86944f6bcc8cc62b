"""Malformed options and files against the command line: at least a thousand, and what became of them.

    python benchmarks/attack/inputs.py [--seed 0] [--family NAME]

Most run one after the other in a worker process, each in a folder of its own and under an alarm, with the training
itself cut off; a few dozen are processes of their own, whose memory is measured. Exit code 1 where anything but a
clear refusal, or a right acceptance, came out.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
SECONDS = 30
"""After which a command hangs."""
BYTES = 2**31
"""Memory that no refusal needs."""
LONGEST = 2000
ADDRESS_BYTES = 8 * 2**30
"""What a process of its own may map, so that a fault of ours does not take the machine with it."""
OUTCOMES = {
    "refused": "exit code 2 and one clear sentence",
    "accepted": "because it is right, or only its values differ",
    "wrong": "accepted although it is malformed",
    "traceback": "",
    "hang": f"more than {SECONDS} s",
    "unclear": "This should have been a clear message; no message; another exit code; the process died",
    "long": f"a message of more than {LONGEST:,} characters, or of such as cannot be printed",
    "memory": "more than 2 GiB",
}
GOOD = ("refused", "accepted")


class Accepted(BaseException):
    """The command would now begin to work."""


class Hang(BaseException):
    """The alarm rang."""


def outcome(code: int | None, said: str, *, wrong: bool, codes: tuple[int, ...] = (2,)) -> str:
    """One of `OUTCOMES`, from the exit code (None: the work would begin) and what was printed."""
    if "Traceback (most recent call last)" in said:
        return "traceback"
    if "should have been a clear message" in said:
        return "unclear"
    if code in (None, 0):
        return "wrong" if wrong else "accepted"
    if len(said) > LONGEST or not all(c.isprintable() or c == "\n" for c in said):
        return "long"
    return "refused" if code in codes and said.strip() else "unclear"


def cut_off() -> None:
    """Where a command begins to work, `Accepted` is raised; data are still read."""
    import vestige.cli.bench
    import vestige.experiments.gradients.laboratory
    import vestige.runs.execution
    import vestige.runs.executors.local
    from vestige.errors import UsageError

    def execute(entry: Any, experiment: Any, *, seed: int, **_: Any) -> None:
        if entry.name in ("recordings", "stream"):
            try:
                task = experiment.task.build(seed=seed)
            except ValueError as error:  # as `vestige.runs.execution.constructed` says it
                raise UsageError(str(error)) from error
            if entry.name == "stream":
                task.train.read(0, task.train.length)
        raise Accepted

    def begins(*_: Any, **__: Any) -> None:
        raise Accepted

    vestige.runs.execution.execute = execute
    vestige.runs.executors.local.LocalProcesses.run = begins
    vestige.experiments.gradients.laboratory.laboratory = begins
    vestige.cli.bench._first_update = begins  # pyright: ignore[reportAttributeAccessIssue]


def attempt(case: Any, folder: Path) -> tuple[str, str]:
    """What became of one case, and what was printed."""
    from vestige.cli import main

    def rang(*_: object) -> None:
        raise Hang

    before, environment = os.getcwd(), dict(os.environ)
    case.files(folder)
    os.chdir(folder)
    os.environ.update({name: value for name, value in case.environment if value.isascii() or "\udce9" not in value})
    out, err, code = io.StringIO(), io.StringIO(), None
    signal.signal(signal.SIGALRM, rang)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(list(case.arguments))
    except Accepted:
        code = None
    except Hang:
        return "hang", err.getvalue()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
    if (folder / "hacked").exists():
        return "wrong", "a command of the file was executed"
    found = outcome(code, err.getvalue(), wrong=case.wrong, codes=(2,) if case.wrong else (1, 2))
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > BYTES:
        found = "memory"
    return found, err.getvalue()


def work(chosen: list[Any], start: int) -> None:
    """The worker: one line of JSON for each case, on the standard output that it began with."""
    told = os.fdopen(os.dup(1), "w")
    cut_off()
    for number, case in enumerate(chosen[start:], start):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            found, said = attempt(case, Path(folder))
        print(json.dumps([number, found, said[:3000]]), file=told, flush=True)
        if found == "memory":
            return  # the peak of a process never falls


def in_worker(options: argparse.Namespace, chosen: list[Any]) -> list[tuple[str, str]]:
    """All cases, by a worker that is started again where one of them ends it."""
    results: list[tuple[str, str]] = []
    command = [sys.executable, __file__, "--seed", str(options.seed), "--family", options.family, "--worker"]
    while len(results) < len(chosen):
        with tempfile.TemporaryFile("w+") as errors:
            worker = subprocess.Popen(
                [*command, str(len(results))], stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
            )
            assert worker.stdout
            with selectors.DefaultSelector() as selector:
                selector.register(worker.stdout, selectors.EVENT_READ)
                while len(results) < len(chosen):
                    ready = selector.select(4 * SECONDS)
                    line = worker.stdout.readline() if ready else ""
                    if not line:
                        break
                    number, found, said = json.loads(line)
                    assert number == len(results)
                    results.append((found, said))
                    if found == "memory":
                        break
                else:
                    continue
            ended = worker.poll()
            worker.kill()
            worker.wait()
            if results and results[-1][0] == "memory":
                continue
            if len(results) < len(chosen):
                errors.seek(0)
                found = "unclear" if ended is not None else "hang"
                results.append((found, f"the process ended with {ended}: {errors.read()[-2000:]}"))
    return results


def in_process(case: Any, folder: Path) -> tuple[str, str]:
    """One case in a process of its own."""
    case.files(folder)
    out, err = folder / ".out", folder / ".err"
    environment = {**os.environ, **dict(case.environment)}
    with out.open("wb") as stdout, err.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", "vestige.cli", *case.arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES)),
        )
        end = time.monotonic() + 4 * SECONDS
        while True:
            process, status, usage = os.wait4(child.pid, os.WNOHANG)
            if process:
                break
            if time.monotonic() > end:
                child.kill()
                os.wait4(child.pid, 0)
                return "hang", err.read_text(errors="replace")
            time.sleep(0.05)
    child.returncode = code = os.waitstatus_to_exitcode(status)
    said = err.read_text(errors="replace")
    if usage.ru_maxrss * 1024 > BYTES:
        return "memory", f"{usage.ru_maxrss / 2**20:.1f} GiB; {said}"
    return outcome(code, said, wrong=case.wrong, codes=(1, 2) if case.family == "sizes" else (2,)), said


def main() -> int:
    """The attack; prints a table of counts."""
    parser = argparse.ArgumentParser(description="Attack the command line with malformed options and files.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", default="", help="only this one")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    from cases import cases
    from processes import processes

    keep = lambda case: options.family in ("", case.family)
    chosen = [case for case in cases(options.seed) if keep(case)]
    if options.worker is not None:
        work(chosen, options.worker)
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        results = list(zip(chosen, in_worker(options, chosen), strict=True))
        for case in filter(keep, processes()):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                results.append((case, in_process(case, Path(folder))))
    return report(results, options.seed, time.monotonic() - began)


def report(results: list[tuple[Any, tuple[str, str]]], seed: int, seconds: float) -> int:
    """Print the table and what is not good. **Returns:** the exit code."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for case, (found, said) in results:
        counts[case.family][found] += 1
        if found not in GOOD:
            words = " ".join(f"'{word[:60]}'" for word in case.arguments)
            print(f"{found.upper()}: {case.family}, {case.what!r:.60}: {words:.300}\n    {said[:600]!r}")
    print(f"\n| family | inputs | {' | '.join(OUTCOMES)} |\n|---|{'---|' * (1 + len(OUTCOMES))}")
    for family, row in counts.items():
        print(f"| {family} | {row.total()} | {' | '.join(str(row[name]) for name in OUTCOMES)} |")
    total = sum(counts.values(), collections.Counter())
    print(f"| all | {total.total()} | {' | '.join(str(total[name]) for name in OUTCOMES)} |")
    print(f"\nseed {seed}, {seconds:.0f} s")
    for name, words in OUTCOMES.items():
        if words:
            print(f"{name}: {words}")
    return int(any(total[name] for name in OUTCOMES if name not in GOOD))


if __name__ == "__main__":
    sys.exit(main())
