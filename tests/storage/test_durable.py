"""Files are whole or not there; what is damaged stays under another name."""

import os

import pytest

from vestige.errors import RunError
from vestige.storage.digests import seal_holds, sealed
from vestige.storage.durable import copy_aside, set_aside, sweep, write_text, writing


def test_the_order_in_which_a_file_becomes_lasting(tmp_path, monkeypatch):
    """Content, then name, then the folder that holds the name."""
    done = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "content")
        fsync(descriptor)

    def noted_replace(old, new):
        done.append("name")
        replace(old, new)

    monkeypatch.setattr("os.fsync", noted_fsync)
    monkeypatch.setattr("os.replace", noted_replace)
    write_text(tmp_path / "a", "text")
    assert done == ["content", "name", "folder"]


def test_a_block_that_raises_leaves_the_old_file(tmp_path):
    write_text(tmp_path / "a", "old")
    with pytest.raises(TypeError), writing(tmp_path / "a") as file:
        print(file.write(b"new") + "")  # pyright: ignore[reportOperatorIssue]
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_text() == "old"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match=r"cannot write .*nowhere/a: No such file"):
        write_text(tmp_path / "nowhere" / "a", "")


def test_setting_aside_overwrites_nothing(tmp_path):
    path = tmp_path / "a"
    for number in (1, 2, 3):
        path.write_text(str(number))
        assert (copy_aside if number == 2 else set_aside)(path) == tmp_path / f"a.damaged-{number}"
    assert [(tmp_path / f"a.damaged-{n}").read_text() for n in (1, 2, 3)] == ["1", "2", "3"]


def test_what_a_kill_left_is_swept_and_what_is_being_written_is_not(tmp_path):
    for name in (".a.json.0.partial", f".b.{os.getppid()}.partial", ".c.99999999999.partial", "d.partial"):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".b.{os.getppid()}.partial", "d.partial"]


def test_a_seal_is_of_the_content():
    value = sealed({"b": [1, 2.5, None], "a": {"é": "x"}})
    assert seal_holds(value) and seal_holds(dict(reversed(value.items())))
    for changed in ({**value, "b": [1, 2.5]}, {**value, "c": 0}, {"b": value["b"]}, {**value, "digest": ""}):
        assert not seal_holds(changed)
