"""Files are recognised by their bytes, data sets by their content."""

import numpy as np
import pytest

from vestige.data import DATASETS, Digits, identify, identity
from vestige.errors import UsageError


def test_a_file_is_its_bytes_wherever_it_lies(tmp_path):
    for name, content in (("a", b"same"), ("b", b"same"), ("c", b"sane")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (identify(tmp_path / name) for name in "abc")
    assert a == b != c
    assert (a.size, a.sampled) == (4, False)
    assert str(a) == "4 bytes, SHA-256 0967115f2813…"


def test_of_a_large_file_a_changed_stretch_or_size_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(identity, "PIECE_BYTES", 10)
    monkeypatch.setattr(identity, "SAMPLES", 50)
    content = np.random.default_rng(0).integers(0, 256, 5000, np.uint8)
    path = tmp_path / "large"
    content.tofile(path)
    before = identify(path)
    assert before.sampled and str(before).endswith("of samples")
    for begin in range(0, 4900, 7):  # pieces are 101.8 bytes apart
        changed = content.copy()
        changed[begin : begin + 94] ^= 1
        changed.tofile(path)
        assert identify(path) != before
    content[:-1].tofile(path)
    assert identify(path) != before
    content.tofile(path)
    assert identify(path) == before


def test_a_folder_is_its_files_by_name(tmp_path):
    folder = tmp_path / "steps"
    (folder / "deep").mkdir(parents=True)
    (folder / "inputs.npy").write_bytes(b"1")
    (folder / "deep" / "more").write_bytes(b"2")
    every, inputs = identify(folder), identify(folder, ("inputs.npy",))
    (folder / "deep" / "more").write_bytes(b"3")
    assert identify(folder) != every
    assert identify(folder, ("inputs.npy",)) == inputs
    (folder / "inputs.npy").rename(folder / "outcomes.npy")
    assert identify(folder, ("outcomes.npy",)) != inputs
    with pytest.raises(UsageError, match=r"inputs\.npy: there is no such file"):
        identify(folder, ("inputs.npy",))


def test_a_data_set_says_what_its_content_must_be():
    generated = {"glyphs", "example-stream"}
    for name, data in DATASETS.items():
        digests = data.digests()
        assert bool(digests) == (name not in generated), name
        assert all(len(digest) == 64 for digest in digests.values())


def test_images_without_a_digest_of_their_own_are_digested(monkeypatch):
    before = Digits().digests()
    assert before == Digits().digests()
    images = Digits().load("test")
    monkeypatch.setattr(Digits, "load", lambda self, split: images)
    assert Digits().digests()["test"] == before["test"]
    assert Digits().digests()["train"] == before["test"]
