"""Recordings and texts: recognised by content, refused with how to fix it, and with the counts that were published."""

import gzip
import inspect

import numpy as np
import pytest

from vestige.data import (
    DATASETS,
    FrameSet,
    Hippocampus,
    Mocap,
    Music,
    Recording,
    StoredData,
    StoredFile,
    TinyShakespeare,
    WarAndPeace,
    check,
    get,
)
from vestige.data.hippocampus import NOT_A_CELL
from vestige.data.npz import content_sha256
from vestige.errors import UsageError

STORED = [data for data in DATASETS.values() if isinstance(data, StoredData)]


def real(data_folder, monkeypatch, name):
    if not (data_folder / name).is_dir():
        pytest.skip(f"no real data: {data_folder / name} is not there")
    monkeypatch.setenv("VESTIGE_DATA", str(data_folder))


def small(arrays):
    """A corpus of our own, with its checksum."""
    file = StoredFile("jsb_chorales.npz", 1, content_sha256(arrays), tuple(arrays))
    return Music(corpora=(file,))


@pytest.fixture
def arrays():
    rolls = np.zeros((5, 88), np.uint8)
    rolls[2, 40] = 1
    lengths = np.array([3, 2], np.int32)
    return {
        f"{split}_{what}": value
        for split in ("train", "valid", "test")
        for what, value in (("rolls", rolls), ("lengths", lengths))
    }


@pytest.mark.parametrize("data", STORED, ids=lambda data: data.name)
def test_missing_says_where_to_put_it(data, cache):
    for ask in (lambda: check(data.name), lambda: get(data.name)):
        with pytest.raises(UsageError) as refused:
            ask()
        words = str(refused.value)
        assert data.files[0].name in words and str(cache / data.name) in words and "VESTIGE_DATA=FOLDER" in words
        assert "https://github.com" in words
    assert data.missing() == [file.name for file in data.files]
    assert data.found() == "not here"


def test_content_counts_and_not_compression(given, arrays):
    folder = given / "music"
    folder.mkdir()
    data = small(arrays)
    for write in (np.savez, np.savez_compressed):
        write(folder / "jsb_chorales.npz", **arrays)
        assert data.load("jsb", "test").lengths.tolist() == [3, 2]
    assert data.check() == [f"music: {folder / 'jsb_chorales.npz'} is complete, checksum of its content right."]


@pytest.mark.parametrize("spoil", ["value", "type", "missing", "cut"])
def test_damage_is_refused(given, arrays, spoil):
    folder = given / "music"
    folder.mkdir()
    data = small(arrays)
    path = folder / "jsb_chorales.npz"
    if spoil == "value":
        arrays["valid_rolls"] = arrays["valid_rolls"].copy()
        arrays["valid_rolls"][0, 0] = 1
    elif spoil == "type":
        arrays["test_lengths"] = arrays["test_lengths"].view(np.uint32)
    elif spoil == "missing":
        del arrays["test_rolls"]
    np.savez(path, **arrays)
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UsageError, match=r"jsb_chorales.npz: .*Delete it and run `vestige data get music`"):
        data.load("jsb", "train")


def test_a_text_that_is_no_gzip_is_refused(given):
    folder = given / "tinyshakespeare"
    folder.mkdir()
    (folder / "tinyshakespeare.txt.gz").write_bytes(b"First Citizen:")
    with pytest.raises(UsageError, match="it is not a sound gzip file"):
        TinyShakespeare().load()
    (folder / "tinyshakespeare.txt.gz").write_bytes(gzip.compress(b"First Citizen:"))
    with pytest.raises(UsageError, match="SHA-256 of its content is"):
        TinyShakespeare().load()


def test_unknown_names_are_refused(cache):
    with pytest.raises(UsageError, match="Did you mean 'nottingham'"):
        inspect.unwrap(Music.load)(Music(), "notingham", "train")
    with pytest.raises(UsageError, match="Did you mean 'walking'"):
        inspect.unwrap(Mocap.load)(Mocap(), "walkin", "train")
    with pytest.raises(UsageError, match="Did you mean 'w-maze'"):
        inspect.unwrap(Hippocampus.load)(Hippocampus(), "wmaze")


class TestFrameSet:
    frames = np.arange(14.0).reshape(7, 2)

    def test_parts(self):
        whole = FrameSet(self.frames, np.array([5, 2], np.int32), ("a", "b"))
        assert [len(r) for r in whole.recordings()] == [5, 2]
        assert whole.every(2).lengths.tolist() == [3, 1]
        assert whole.every(2).frames[:, 0].tolist() == [0, 4, 8, 10]
        early, late = whole.parted(0.4)
        assert early.lengths.tolist() == [3, 1] and late.frames[:, 0].tolist() == [6, 8, 12]

    def test_what_does_not_agree_is_refused(self):
        with pytest.raises(UsageError, match="sum to 7 frames, got a sum of 6"):
            FrameSet(self.frames, np.array([6], np.int32), ("a", "b"))
        with pytest.raises(UsageError, match="one column a channel"):
            FrameSet(self.frames, np.array([7], np.int32), ("a",))
        with pytest.raises(UsageError, match="empty on one side"):
            FrameSet(self.frames, np.array([7], np.int32), ("a", "b")).parted(0.01)
        with pytest.raises(UsageError, match="one place for each time"):
            Recording(np.zeros(2), np.zeros(2, int), 1, np.zeros(3), np.zeros((2, 2)))


class TestReal:
    """The counts of the data's own descriptions."""

    def test_music(self, data_folder, monkeypatch):
        real(data_folder, monkeypatch, "music")
        train, test = (Music().load("jsb", split) for split in ("train", "test"))
        assert (len(train.lengths), len(train.frames)) == (229, 13_807)
        assert (len(test.lengths), len(test.frames), test.lengths.max()) == (77, 4_725, 160)
        assert len(check("music")) == 4

    def test_mocap(self, data_folder, monkeypatch):
        real(data_folder, monkeypatch, "mocap")
        assert Mocap().load("walking", "test").frames.shape == (1200, 50)
        train, test = (Mocap().load("exercises", split) for split in ("train", "test"))
        assert len(train.frames) + len(test.frames) == 2058 and len(test.lengths) == 6
        assert 0.19 < len(test.frames) / 2058 < 0.21
        assert train.channels[0] == "root.ty"
        with pytest.raises(UsageError, match="no 'valid' part"):
            Mocap().load("exercises", "valid")

    def test_texts(self, data_folder, monkeypatch):
        real(data_folder, monkeypatch, "tinyshakespeare")
        whole = TinyShakespeare().load()
        assert (len(whole), len(set(whole))) == (1_115_394, 65)
        assert "".join(TinyShakespeare().parts()) == whole

    def test_war_and_peace_begins_and_ends_with_the_text(self, data_folder, monkeypatch):
        real(data_folder, monkeypatch, "warandpeace")
        whole = WarAndPeace().load()
        assert 3_200_000 < len(whole) < 3_210_000
        assert "WAR AND PEACE" in whole[:500] and "Gutenberg-tm" not in whole

    def test_hippocampus(self, data_folder, monkeypatch):
        real(data_folder, monkeypatch, "hippocampus")
        track, maze = (Hippocampus().load(name) for name in ("linear-track", "w-maze"))
        assert (track.units, len(track.spike_time)) == (31, 28_829)
        assert (maze.units, len(maze.spike_time)) == (25, 518_352)
        rates = np.bincount(maze.spike_unit, minlength=25) / np.ptp(maze.pos_time)
        assert rates[list(NOT_A_CELL["w-maze"])].min() > 100
        assert np.delete(rates, NOT_A_CELL["w-maze"]).max() < 4
