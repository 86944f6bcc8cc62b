"""Real processes on this machine, which find each other by a port of it. Oracle: one process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow
RUN = ["bars-and-stripes", "--num-evals", "4", "--eval-size", "64", "--batch-size", "32"]
STEPS = 120
DEADLINE = 300  # seconds of patience on a machine that is busy
GONE_SECONDS = 60


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def command(folder, *more, steps=STEPS):
    return [sys.executable, "-m", "vestige", "run", *RUN, "--steps", str(steps), "--out", str(folder), *more]


def begin(folder, *more, count=2, own=lambda rank: [], **how):
    """The processes of one run."""
    at = f"127.0.0.1:{port()}"
    flags = os.environ.get("XLA_FLAGS", "").replace("--xla_force_host_platform_device_count=4", "")
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "VESTIGE_JOIN_SECONDS": "100"}
    return [
        subprocess.Popen(
            [
                *command(folder(rank) if callable(folder) else folder, *more, *own(rank), **how),
                *([] if count == 1 else ["--coordinator", at, "--processes", str(count), "--process-id", str(rank)]),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for rank in range(count)
    ]


def ended(processes, within=DEADLINE):
    """Exit code, standard output and standard error of each."""
    found = []
    for process in processes:
        try:
            output, error = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            for each in processes:
                each.kill()
            raise
        found.append((process.returncode, output, error))
    return found


def until(seen):
    since = time.monotonic()
    while not seen():
        assert time.monotonic() - since < DEADLINE
        time.sleep(0.1)


def log(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def assert_same_numbers(folder, oracle):
    here, there = log(folder), log(oracle)
    assert len(here) == len(there) > 0
    for a, b in zip(here, there, strict=True):
        assert a.pop("kind") == b.pop("kind")
        assert a == pytest.approx(b, rel=2e-3, abs=1e-5, nan_ok=True)
    results = [json.loads((at / "results.json").read_text()) for at in (folder, oracle)]
    assert results[0]["updates"] == results[1]["updates"] == STEPS
    assert results[0]["metrics"] == pytest.approx(results[1]["metrics"], rel=2e-2, abs=1e-3)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "run"
    [(code, _, error)] = ended(begin(folder, count=1))
    assert code == 0, error
    return folder


def test_two_make_the_run_of_one(oracle, tmp_path):
    folder = tmp_path / "run"
    (first, output, error), (second, *silent) = ended(begin(folder, "--json"))
    assert (first, second) == (0, 0), error
    assert json.loads(output)["updates"] == STEPS
    assert silent == ["", ""]
    assert_same_numbers(folder, oracle)
    assert subprocess.run([sys.executable, "-m", "vestige", "verify", str(folder)], capture_output=True).returncode == 0
    written = next((folder / "checkpoints").iterdir())
    assert {path.name for path in written.glob("ocdbt.process_*")} == {"ocdbt.process_0", "ocdbt.process_1"}
    (first, output, _), (second, *_) = ended(begin(folder, "--resume", "--quiet"))  # finished: both return at once
    assert (first, second) == (0, 0)


def test_stopped_by_a_signal_to_one_of_two_and_resumed_by_one(oracle, tmp_path):
    folder = tmp_path / "run"
    both = begin(folder)
    until(lambda: (folder / "metrics.jsonl").exists() and len(log(folder)) > 2)
    both[1].send_signal(signal.SIGTERM)
    (first, _, error), (second, _, silent) = ended(both)
    assert (first, second) == (130, 130), error
    assert error.count("vestige: ") == 1
    assert "stopped by SIGTERM after update" in error
    assert silent == ""
    assert not (folder / "results.json").exists()
    [(code, _, error)] = ended(begin(folder, "--resume", count=1))
    assert code == 0, error
    assert_same_numbers(folder, oracle)


def test_stopped_alone_and_resumed_by_two(oracle, tmp_path):
    folder = tmp_path / "run"
    [one] = begin(folder, count=1)
    until(lambda: (folder / "metrics.jsonl").exists() and len(log(folder)) > 2)
    one.send_signal(signal.SIGTERM)
    assert ended([one])[0][0] == 130
    (first, _, error), (second, *_) = ended(begin(folder, "--resume"))
    assert (first, second) == (0, 0), error
    assert_same_numbers(folder, oracle)


@pytest.mark.parametrize("killed", [0, 1])
def test_one_that_is_killed_ends_the_other_with_one_message_and_a_checkpoint(tmp_path, killed):
    folder, steps = tmp_path / "run", 4000
    both = begin(folder, steps=steps)
    until(lambda: any((folder / "checkpoints").glob("*/manifest.json")))
    both[killed].kill()
    since = time.monotonic()
    (code, _, error) = ended(both, within=GONE_SECONDS)[1 - killed]
    assert time.monotonic() - since < GONE_SECONDS
    assert code == 1
    assert error.count("vestige: ") == 1
    assert len(error.splitlines()) == 1
    assert "is gone" in error
    assert "--resume" in error
    [one] = begin(folder, "--resume", steps=steps, count=1)
    before = len(log(folder))
    until(lambda: len(log(folder)) > before)  # it goes on
    one.send_signal(signal.SIGTERM)
    [(code, _, error)] = ended([one])
    assert code == 130, error
    assert f"after update {steps}" not in error


@pytest.mark.parametrize(
    ("own", "named"),
    [
        (["--seed", "1"], "seed: process 0 has 0, process 1 has 1"),
        (["--optimiser.rate", "0.5"], "optimiser.rate: process 0 has 0.005, process 1 has 0.5"),
        (["--on-nonfinite", "skip"], "skip_nonfinite: process 0 has False, process 1 has True"),
    ],
)
def test_processes_with_other_options_are_refused_before_anything_begins(tmp_path, own, named):
    folder = tmp_path / "run"
    (first, _, error), (second, _, silent) = ended(begin(folder, own=lambda rank: own if rank else []))
    assert (first, second) == (2, 2)
    assert named in error
    assert "the same command" in error
    assert silent == ""
    assert not folder.exists()


def test_a_folder_that_the_other_does_not_see_is_refused(tmp_path):
    both = begin(lambda rank: tmp_path / f"machine-{rank}")
    (first, _, error), (second, *_) = ended(both)
    assert (first, second) == (2, 2)
    assert "process 1 of 2 does not find there what process 0 writes" in error
    assert not list(tmp_path.glob("*/checkpoints"))
