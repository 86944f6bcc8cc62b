"""Runs in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vestige.errors import RunError, UsageError
from vestige.runs.executors.local import LocalProcesses
from vestige.runs.executors.starting import cores
from vestige.training.interrupts import Interrupted, Interrupts
from vestige.training.sinks import TensorBoard


def leave_a_note(folder: Path, name: str) -> None:
    mine = ",".join(map(str, cores()))
    (folder / name).write_text(f"{os.getpid()} {mine}")


def refuse() -> None:
    raise UsageError("the seed is not to my liking")


def stumble() -> None:
    raise KeyError("nothing of the kind")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def until_asked(folder: Path, name: str) -> None:
    """Goes on until it is asked to stop, as a training loop does, and writes what one writes."""
    log = TensorBoard(folder / name, step=0)
    with Interrupts() as interrupts:
        log.write({"kind": "train", "step": 1, "seconds": 0.0, "loss": 1.0})
        (folder / f"{name}.part").write_text(str(os.getpid()))
        (folder / f"{name}.part").rename(folder / f"{name}.begun")
        for _ in range(600):
            if interrupts.pending:
                (folder / f"{name}.stopped").write_text(interrupts.pending)
                raise Interrupted("stopped")
            time.sleep(0.05)


def test_each_runs_once_in_a_process_and_on_cores_of_its_own(tmp_path):
    said: list[str] = []
    LocalProcesses(jobs=2).run(leave_a_note, [(name, (tmp_path, name)) for name in "abc"], announce=said.append)
    notes = [(tmp_path / name).read_text().split() for name in "abc"]
    assert len({pid for pid, _ in notes} | {str(os.getpid())}) == 4
    mine = cores()
    shares = {tuple(map(int, used.split(","))) for _, used in notes}
    assert shares <= {tuple(mine[0::2]), tuple(mine[1::2] or mine[:1])}
    assert sorted(said) == sorted(f"{name}: {what}" for name in "abc" for what in ("begun", "done"))


@pytest.mark.parametrize(
    ("work", "kind", "text"),
    [
        (refuse, UsageError, "not to my liking"),
        (stumble, RunError, "KeyError: 'nothing of the kind'"),
        (die, RunError, "exit code -9; --resume goes on"),
    ],
)
def test_an_error_comes_across(work, kind, text):
    with pytest.raises(kind, match=text):
        LocalProcesses(jobs=1).run(work, [("a", ())], announce=lambda _: None)


def either(folder: Path, name: str) -> None:
    if name != "bad":
        until_asked(folder, name)
    while not (folder / "good.begun").exists():
        time.sleep(0.05)
    refuse()


def test_when_one_fails_the_others_are_asked_to_stop_and_no_more_begin(tmp_path):
    said: list[str] = []
    tasks = [(name, (tmp_path, name)) for name in ("good", "bad", "late")]
    with pytest.raises(UsageError, match="not to my liking"):
        LocalProcesses(jobs=2).run(either, tasks, announce=said.append)
    assert (tmp_path / "good.stopped").read_text() == "SIGTERM"
    assert sorted(said) == ["bad: begun", "good: begun"]


PARENT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_local_processes import until_asked
from vestige.runs.executors.local import LocalProcesses
from vestige.errors import VestigeError
if __name__ == "__main__":
    try:
        LocalProcesses(jobs=2).run(until_asked, [(n, (Path({folder!r}), n)) for n in "ab"], announce=print)
    except VestigeError as error:
        print(error)
        sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.few(1)
def test_processes_stop_with_the_one_that_began_them(tmp_path, number):
    """And nothing is said of it on stderr, which is open for as long as one of them, or of their trackers, is alive."""
    with parent_of_two(tmp_path) as parent:
        parent.send_signal(number)
        output, errors = parent.communicate(timeout=60)
    assert all((tmp_path / f"{name}.stopped").exists() for name in "ab")
    assert errors == ""
    if number != signal.SIGKILL:
        assert parent.returncode == 130 and f"stopped by {number.name}; --resume goes on" in output


@pytest.mark.slow
def test_a_process_that_is_killed_takes_the_others_with_it(tmp_path):
    with parent_of_two(tmp_path) as parent:
        os.kill(int((tmp_path / "a.begun").read_text()), signal.SIGKILL)
        output, errors = parent.communicate(timeout=60)
    assert (tmp_path / "b.stopped").exists() and not (tmp_path / "a.stopped").exists()
    assert errors == "" and parent.returncode == 1
    assert "a process ended in mid-run with exit code -9; --resume goes on" in output


def test_the_terminal_s_interrupt_does_not_reach_a_process_that_is_starting(tmp_path):
    with parent_of_two(tmp_path, ready=lambda: None, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().endswith("begun\n")  # its imports are not over for long
        os.killpg(parent.pid, signal.SIGINT)
        output, errors = parent.communicate(timeout=60)
    assert (parent.returncode, errors) == (130, "")
    assert "stopped by SIGINT; --resume goes on" in output


def parent_of_two(folder, *, ready=None, **how):
    """A process with two others, both at work unless `ready` says otherwise."""
    script = folder / "parent.py"
    script.write_text(PARENT.format(tests=str(Path(__file__).parent), folder=str(folder)))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    parent = subprocess.Popen([sys.executable, "-u", script], **pipes, **how)
    if ready is None:
        _until(lambda: all((folder / f"{name}.begun").exists() for name in "ab"))
    return parent


def _until(true) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
