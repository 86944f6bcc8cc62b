"""One writer for a folder."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from vestige.errors import RunError, UsageError
from vestige.storage import locking
from vestige.storage.locking import FolderLock, Owner, holder, occupied, read_owner, refuse_if_held

HOLDER = """
import sys, time
from pathlib import Path
from vestige.storage.locking import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "run"
    made.mkdir()
    return made


@pytest.fixture
def other(folder):
    """A process that holds the folder."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def left(folder, **changes):
    """A lock as an owner of that kind left it."""
    owner = dataclasses.replace(Owner.here(folder), **changes)
    (folder / "lock.json").write_text(json.dumps(dataclasses.asdict(owner)))
    return owner


def test_the_file_names_the_owner_and_goes_with_it(folder):
    with FolderLock(folder):
        told = json.loads((folder / "lock.json").read_text())
        assert told["pid"] == os.getpid() and told["host"] and told["since"].endswith("UTC")
        assert not occupied(folder)
    assert not (folder / "lock.json").exists()


def test_it_goes_after_an_exception_too(folder):
    with pytest.raises(KeyError), FolderLock(folder):
        raise KeyError
    assert not (folder / "lock.json").exists()
    with FolderLock(folder):
        pass


def test_a_second_one_is_refused_and_hears_who_is_there(folder, other):
    owner = read_owner(folder)
    assert owner is not None and owner.pid == other.pid
    with pytest.raises(
        UsageError, match=f"is being written by process {other.pid} on {owner.host} since {owner.since}"
    ):
        FolderLock(folder).__enter__()
    with pytest.raises(UsageError, match=f"process {other.pid}"):
        refuse_if_held(folder)
    assert read_owner(folder) == owner


def test_two_in_one_process_are_two(folder):
    with FolderLock(folder), pytest.raises(UsageError, match=f"process {os.getpid()}"):
        FolderLock(folder).__enter__()


def test_the_kernel_knows_where_the_file_does_not(folder, other):
    (folder / "lock.json").write_text("{")
    with pytest.raises(UsageError, match="by another process of this machine"):
        FolderLock(folder).__enter__()


def test_one_that_was_killed_is_taken_over_at_once(folder, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    said: list[str] = []
    with FolderLock(folder, notice=said.append):
        assert len(said) == 1 and f"process {other.pid}" in said[0] and "taken over" in said[0]


def test_one_that_is_about_to_end_is_waited_for(folder, other):
    os.kill(other.pid, signal.SIGKILL)
    with FolderLock(folder, patience=60.0):
        pass


def test_a_number_that_is_used_again_is_another_process(folder):
    left(folder, pid=os.getppid(), started=locking._started(os.getppid()), token="x")
    assert holder(folder) is not None
    left(folder, pid=os.getppid(), started="1", token="x")
    assert holder(folder) is None


def test_another_machine_is_believed_for_two_minutes(folder):
    left(folder, host="elsewhere", token="x")
    with pytest.raises(UsageError, match=r"on elsewhere since .*sign of life was 0 s ago, and after 120 s"):
        FolderLock(folder).__enter__()
    old = time.time() - 121
    os.utime(folder / "lock.json", (old, old))
    said: list[str] = []
    with FolderLock(folder, notice=said.append):
        assert "on elsewhere" in said[0]


def test_a_copy_of_a_locked_folder_is_free(folder, tmp_path):
    with FolderLock(folder):
        copy = shutil.copytree(folder, tmp_path / "copy")
        with FolderLock(copy):
            pass


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "many"}', "\xff"])
def test_a_damaged_lock_is_taken_over(folder, text):
    (folder / "lock.json").write_text(text)
    said: list[str] = []
    with FolderLock(folder, notice=said.append):
        assert "could not be read" in said[0]


def test_an_owner_that_finds_another_stops(folder):
    with FolderLock(folder) as lock:
        lock.check()
        left(folder, pid=1, host="elsewhere", token="x")
        with pytest.raises(RunError, match="process 1 on elsewhere .* has taken it over"):
            lock.check()
    assert read_owner(folder) is not None  # it is theirs
    (folder / "lock.json").unlink()
    with FolderLock(folder) as lock:
        (folder / "lock.json").unlink()
        with pytest.raises(RunError, match="was removed or damaged"):
            lock.check()


def test_it_shows_signs_of_life(folder, monkeypatch):
    monkeypatch.setattr(locking, "BEAT_SECONDS", 0.01)
    with FolderLock(folder):
        os.utime(folder / "lock.json", (1, 1))
        deadline = time.monotonic() + 60
        while (folder / "lock.json").stat().st_mtime == 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_without_flock_the_file_decides(folder, other, monkeypatch):
    monkeypatch.setattr(locking, "fcntl", None)
    with pytest.raises(UsageError, match=f"process {other.pid}"):
        FolderLock(folder).__enter__()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot make the folder .*Choose another --out"):
        FolderLock(tmp_path / "file" / "run").__enter__()
