"""What was used longest ago is removed, what is in use never."""

import os
import time

import pytest

from vestige.data.steps.trimming import trim, used

DAY = 24 * 3600


def entry(folder, name, *, size, ago):
    (folder / name).mkdir()
    (folder / name / "values").write_bytes(bytes(size))
    (folder / name / "about").write_text("")
    for path in (folder / name / "about", folder / name):
        os.utime(path, (time.time() - ago,) * 2)


@pytest.mark.parametrize(("limit", "left"), [(350, "abcd"), (250, "bcd"), (190, "cd"), (150, "d"), (50, "d"), (0, "d")])
def test_the_oldest_go_first_and_what_was_used_today_stays(tmp_path, limit, left):
    for name, ago in (("b", 3), ("a", 4), ("c", 2), ("d", 0.5)):
        entry(tmp_path, name, size=80, ago=ago * DAY)
    (tmp_path / "somebody's file").write_bytes(bytes(500))
    trim(tmp_path, "about", limit=limit)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == list(left)
    assert (tmp_path / "somebody's file").exists()


def test_using_an_entry_keeps_it_and_folders_of_others_are_left(tmp_path):
    entry(tmp_path, "a", size=80, ago=9 * DAY)
    (tmp_path / "notes").mkdir()
    used(tmp_path / "a" / "about")
    trim(tmp_path, "about", limit=0)
    assert (tmp_path / "a").exists() and (tmp_path / "notes").exists()
    used(tmp_path / "nothing")


def test_what_was_never_finished_is_removed_after_a_day(tmp_path):
    for name, ago in ((".old.partial", 2), (".new.partial", 0.1)):
        entry(tmp_path, name, size=10, ago=ago * DAY)
    trim(tmp_path, "about")
    assert [path.name for path in tmp_path.iterdir()] == [".new.partial"]
