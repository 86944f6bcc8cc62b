"""Runs on the workers of a Dask cluster."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.running import TINY
from tests.runs.dask_work import count, die, leave_a_note, refuse, stumble

from vestige.cli import dispatch
from vestige.errors import RunError, UsageError
from vestige.runs.comparison import Planned
from vestige.runs.executors import dask_workers
from vestige.runs.executors.naming import executor_on
from vestige.runs.executors.starting import cores
from vestige.runs.executors.ticket import Ticket, carried, comparable
from vestige.runs.folder import EVALUATION, versions
from vestige.storage.results import RESULTS, read_results
from vestige.training.sinks import read_records

distributed = pytest.importorskip("distributed", reason="Dask distributed, vestige[dask], is not installed")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need descriptors that are handed over")


@pytest.fixture(scope="module")
def cluster():
    with dask_workers._local_cluster(2) as cluster:
        yield cluster


@pytest.fixture
def sweep(cluster, tmp_path):
    def run(work, names, **how):
        said: list[str] = []
        tasks = [(name, (tmp_path, name)) for name in names]
        executor_on(cluster.scheduler_address, tmp_path, jobs=how.get("jobs")).run(work, tasks, announce=said.append)
        return said

    return run


def test_each_runs_once_in_a_process_of_its_own(sweep, tmp_path):
    said = sweep(leave_a_note, "abc")
    notes = [(tmp_path / name).read_text().split() for name in "abc"]
    assert len({pid for pid, _, _ in notes} | {worker for _, _, worker in notes} | {str(os.getpid())}) in (5, 6)
    assert {worker for *_, worker in notes} - {str(os.getpid())}
    assert sorted(line.partition(" on ")[0] for line in said) == sorted(
        f"{name}: {what}" for name in "abc" for what in ("begun", "done")
    )
    assert not list(tmp_path.glob(".seen*"))


def test_the_workers_of_a_cluster_of_ours_share_the_cores(tmp_path):
    executor = executor_on("dask", tmp_path, jobs=2)
    executor.run(leave_a_note, [(name, (tmp_path, name)) for name in "ab"], announce=lambda _: None)
    mine = cores()
    used = {tuple(map(int, (tmp_path / name).read_text().split()[1].split(","))) for name in "ab"}
    assert used == {tuple(mine[0::2]), tuple(mine[1::2] or mine[:1])}


def test_at_most_so_many_jobs(sweep, tmp_path):
    said = sweep(leave_a_note, "abc", jobs=1)
    assert [line.partition(" on ")[0] for line in said] == [
        f"{name}: {what}" for name in "abc" for what in ("begun", "done")
    ]


@pytest.mark.parametrize(
    ("work", "kind", "text", "times"),
    [
        (refuse, UsageError, "not to my liking", 0),
        (stumble, RunError, "KeyError: 'nothing of the kind'", 0),
        (die, RunError, "exit code -9, 3 times; --resume goes on", 3),
    ],
)
def test_an_error_comes_across_and_a_process_that_died_is_begun_again(sweep, tmp_path, work, kind, text, times):
    with pytest.raises(kind, match=text):
        sweep(work, "a")
    assert not times or (tmp_path / "a").read_text().count("once") == times


def killer(path: Path, place: int) -> int:
    """Wait for a task to count to 2, kill its process (0) or its worker (1), and say who it was."""
    until(lambda: path.with_name("a.count").exists() and int(path.with_name("a.count").read_text()) >= 2)
    victim = int(path.with_name("a.0.pids").read_text().split()[place])
    os.kill(victim, signal.SIGKILL)
    return victim


@pytest.mark.parametrize("place", [0, 1], ids=["process", "worker"])
def test_what_is_killed_is_begun_again_and_goes_on(sweep, tmp_path, place):
    import threading

    thread = threading.Thread(target=killer, args=(tmp_path / "a", place))
    thread.start()
    said = sweep(count, "ab")
    thread.join()
    assert (tmp_path / "a.count").read_text() == (tmp_path / "b.count").read_text() == "6"
    again = [path for path in tmp_path.glob("a.*.pids") if path.name != "a.0.pids"]
    assert len(again) == 1 and int(again[0].name.split(".")[1]) >= 2  # not from the start
    assert sum(line.startswith("a: begun again on ") for line in said) == 1
    assert (tmp_path / "a.stopped").exists() == (place == 1)  # whose process heard that its worker was gone


PARENT = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.runs.dask_work import count
from vestige.runs.executors.naming import executor_on
from vestige.errors import VestigeError
if __name__ == "__main__":
    folder = Path({folder!r})
    try:
        executor_on({on!r}, folder, jobs=2).run(count, [(n, (folder, n, 200)) for n in "abc"], announce=print)
    except VestigeError as error:
        print(error)
        sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("on", ["dask", "address"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_runs_stop_with_the_command_that_began_them(cluster, tmp_path, number, on):
    script = tmp_path / "parent.py"
    tests = Path(__file__).parent
    where = cluster.scheduler_address if on == "address" else on
    script.write_text(PARENT.format(root=str(tests.parents[1]), folder=str(tmp_path), on=where))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-u", script], **pipes, start_new_session=True) as parent:
        until(lambda: all((tmp_path / f"{name}.0.pids").exists() for name in "ab"))
        time.sleep(0.3)
        (os.killpg if number == signal.SIGINT else os.kill)(parent.pid, number)
        output, _ = parent.communicate(timeout=60)
    until(lambda: all((tmp_path / f"{name}.stopped").exists() for name in "ab"))
    assert not (tmp_path / "c.0.pids").exists()
    if number == signal.SIGINT:
        assert parent.returncode == 130 and "stopped by SIGINT; --resume goes on" in output


def until(true, seconds=60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ticket(tmp_path, **changed):
    mark = tmp_path / "mark"
    mark.touch()
    usual = Ticket("s", "a", b"", comparable(versions()), str(tmp_path), str(mark), [], carried())
    return usual._replace(**changed)


def test_a_worker_says_why_it_cannot_take_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr("vestige.runs.executors.ticket.SHARED_WITHIN", 0.0)
    assert ticket(tmp_path).fault("tcp://w") == ""
    other = ticket(tmp_path, versions={**comparable(versions()), "jax": "0.9.9", "not-there": "1"})
    assert "worker tcp://w on" in (said := other.fault("tcp://w"))
    assert f"jax {versions()['jax']} (here 0.9.9)" in said and "not-there missing (here 1)" in said
    assert "numpy" not in said
    unseen = ticket(tmp_path, mark="/nowhere/runs/mark").fault("tcp://w")
    assert "does not see /nowhere/runs:" in unseen and "a file system that all machines share" in unseen
    assert "has no folder /nowhere, from which" in ticket(tmp_path, here="/nowhere").fault("tcp://w")


def test_a_run_is_refused_before_it_begins(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_workers, "comparable", lambda found: {**comparable(found), "equinox": "0.0.1"})
    with pytest.raises(UsageError, match=r"other versions: equinox .* \(here 0\.0\.1\)"):
        sweep(leave_a_note, "ab")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://127.0.0.1", "swan://127.0.0.1:1", "tcp://"])
def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch, address):
    monkeypatch.setattr(dask_workers, "CONNECTED_WITHIN", 1.0)
    with pytest.raises(UsageError, match=f"--on {address}: no Dask scheduler answers"):
        executor_on(address, tmp_path, jobs=None).run(leave_a_note, [], announce=lambda _: None)


def test_dask_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'vestige\[dask\]'"):
        executor_on("dask", tmp_path, jobs=None)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--seeds", "2", "--on", "dusk"], "got 'dusk'. Did you mean 'dask'"),
        (["--on", "dask"], "give --seeds N"),
        (["--seeds", "2", "--on", "tcp://127.0.0.1:1", "--devices", "2"], "devices spreads one run over this machine"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words, text):
    with pytest.raises(UsageError, match=text):
        dispatch(["run", "perfect-recall", *words])


def test_a_cluster_without_workers_is_waited_for(tmp_path):
    """As one of dask-jobqueue, whose workers wait in a queue themselves."""
    said: list[str] = []
    with dask_workers._local_cluster(0) as cluster:

        def announce(text: str) -> None:
            said.append(text)
            if "no workers" in text:
                cluster.scale(1)

        executor_on(cluster.scheduler_address, tmp_path, jobs=None).run(
            leave_a_note, [("a", (tmp_path, "a"))], announce=announce
        )
    assert [line.partition(" on ")[0] for line in said] == [
        "the cluster has no workers yet; waiting for the first",
        "a: begun",
        "a: done",
    ]


def test_a_scheduler_that_is_lost_is_named(tmp_path, monkeypatch):
    import threading

    monkeypatch.setattr(dask_workers, "CONNECTED_WITHIN", 2.0)
    with dask_workers._local_cluster(1) as cluster:

        def close() -> None:
            until(lambda: (tmp_path / "a.count").exists())
            cluster.close()

        thread = threading.Thread(target=close)
        thread.start()
        with pytest.raises(RunError, match="is gone.*--resume goes on"):
            executor_on(cluster.scheduler_address, tmp_path, jobs=None).run(
                count, [("a", (tmp_path, "a"))], announce=lambda _: None
            )
        thread.join()


@pytest.mark.slow
def test_results_are_those_of_local_processes_also_where_a_worker_is_killed(cluster, tmp_path):
    """As `vestige run --seeds 2 --on ADDRESS` has it. The worker is killed, with its process, after a checkpoint."""
    from vestige.cli.parse import RunSettings
    from vestige.cli.run import performer

    experiment = dataclasses.replace(TINY, steps=600, num_evals=4)
    found = {}
    for on in ("processes", cluster.scheduler_address):
        folder = tmp_path / on.partition(":")[0]
        settings = RunSettings(seeds=2, on=on, jobs=2, quiet=True)
        plan = [Planned("perfect-recall", experiment, seed, folder / f"seed-{seed}") for seed in range(2)]
        with contextlib.nullcontext() if on == "processes" else killed_after_a_checkpoint(folder / "seed-0"):
            performer(settings, folder, longer=False)(plan)
        found[on] = [
            (
                {name: read_results(planned.folder / RESULTS)[name] for name in ("metrics", "updates", "seed")},
                [{**line, "seconds": 0.0} for line in read_records(planned.folder / "metrics.jsonl")],
                (planned.folder / EVALUATION).stat().st_size,
            )
            for planned in plan
        ]
    assert found["processes"] == found[cluster.scheduler_address]


@contextlib.contextmanager
def killed_after_a_checkpoint(folder: Path):
    import json
    import threading

    victims: list[int] = []

    def kill() -> None:
        until(lambda: list(folder.glob("checkpoints/[0-9]*/manifest.json")), 240)
        child = json.loads((folder / "lock.json").read_text())["pid"]
        worker = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
        for victim in (worker, child):
            os.kill(victim, signal.SIGKILL)
            victims.append(victim)

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()
    assert len(victims) == 2
