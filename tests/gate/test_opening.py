"""Only a regular file of bounded size is opened, and nothing is waited for."""

import os
import pickle
import socket

import pytest

from vestige.errors import UsageError
from vestige.gate import Missing, Unreadable, open_regular, read_bytes, require_regular


def test_a_regular_file_and_a_link_to_one_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    assert read_bytes(tmp_path / "a", limit=5) == read_bytes(tmp_path / "link", limit=5) == b"12345"
    assert require_regular(str(tmp_path / "a")) == tmp_path / "a"
    with open_regular(tmp_path / "a", limit=None) as file:
        assert file.read(2) == b"12"


def special(folder, kind):
    path = folder / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to("loop")
    elif kind == "through a file":
        (folder / "file").write_text("")
        path = folder / "file" / "inside"
    elif kind == "nul":
        path = f"{folder}/a\0b"
    elif kind == "long":
        path = folder / ("x" * 300)
    elif kind == "device":
        path = "/dev/zero"
    return path


@pytest.mark.parametrize(
    ("kind", "clause"),
    [
        ("missing", "there is no such file"),
        ("folder", "it is a folder, and a regular file is needed"),
        ("pipe", "it is a pipe"),
        ("socket", "it is a socket"),
        ("device", "it is a device"),
        ("dangling", "it is a symbolic link to nowhere, where there is no file"),
        ("loop", "Too many levels of symbolic links"),
        ("through a file", "Not a directory"),
        ("long", "File name too long"),
        ("nul", "NUL"),
    ],
)
def test_anything_else_is_refused_at_once(kind, clause, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = special(tmp_path, kind)
    with pytest.raises(Unreadable, match=clause) as refused:
        read_bytes(path, limit=10)
    assert isinstance(refused.value, UsageError)
    assert refused.value.path == path and clause in refused.value.clause
    assert isinstance(refused.value, Missing) == (kind in ("missing", "dangling"))


def test_the_descriptor_is_checked_and_not_the_name_alone(tmp_path, monkeypatch):
    """Between the look at the name and the opening a pipe takes the file's place."""
    (tmp_path / "a").write_bytes(b"1")
    os.mkfifo(tmp_path / "pipe")
    before, opened = os.open, []

    def swapped(path, flags):
        opened.append(before(tmp_path / "pipe", flags))
        return opened[-1]

    monkeypatch.setattr("vestige.gate.opening.os.open", swapped)
    with pytest.raises(Unreadable, match="it is a pipe"):
        read_bytes(tmp_path / "a", limit=10)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])  # it was closed


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "a").chmod(0)
    with pytest.raises(Unreadable, match=r"it cannot be read \(Permission denied\)"):
        read_bytes(tmp_path / "a", limit=10)


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(Unreadable, match="it has 1,099,511,627,776 bytes, and at most 1,000 are read"):
        read_bytes(tmp_path / "a", limit=1000)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="a file that claims no bytes and has some")
def test_what_a_file_claims_is_not_believed():
    assert os.stat("/proc/self/status").st_size == 0
    with pytest.raises(Unreadable, match="more than the 10 bytes"):
        read_bytes("/proc/self/status", limit=10)


def test_the_message_is_bounded_and_printable(tmp_path):
    path = tmp_path / ("a\x1b[2J\n" * 30)
    with pytest.raises(Unreadable) as refused:
        read_bytes(path, limit=10)
    assert "\x1b" not in str(refused.value) and len(str(refused.value)) < 2000
    again = pickle.loads(pickle.dumps(refused.value))  # as it comes from a worker
    assert (type(again), str(again), again.path) == (Missing, str(refused.value), path)
