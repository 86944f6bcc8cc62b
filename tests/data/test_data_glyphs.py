import hashlib

import numpy as np
import pytest

from vestige.data import DATASETS, Glyphs, check, get
from vestige.errors import RunError, UsageError

SMALL = Glyphs(train_classes=40, test_classes=20, instances=6)


@pytest.fixture(scope="module")
def train():
    return Glyphs().load("train")


@pytest.fixture(scope="module")
def test():
    return Glyphs().load("test")


@pytest.mark.slow
def test_the_default_has_the_counts_and_labels_of_omniglot(train, test):
    assert train.images.shape == (19_280, 28, 28)
    assert test.images.shape == (13_180, 28, 28)
    np.testing.assert_array_equal(train.labels, np.arange(964).repeat(20))
    np.testing.assert_array_equal(test.labels, np.arange(964, 1623).repeat(20))


@pytest.mark.slow
def test_no_drawing_comes_twice(train, test):
    drawings = {image.tobytes() for part in (train, test) for image in part.images}
    assert len(drawings) == 19_280 + 13_180


@pytest.mark.slow
def test_ink_is_about_as_much_as_in_omniglot(train, test):
    for part in (train, test):
        ink = part.images.mean(axis=(1, 2)) / 255
        assert 0.06 < ink.mean() < 0.11
        assert 0.02 < ink.min() < ink.max() < 0.3
        assert part.images.min() == 0
        assert part.images.max() == 255
        assert (part.images.max(axis=(1, 2)) >= 128).all()


def test_drawings_are_centred_fill_the_frame_and_stay_in_it(train):
    inked = train.images >= 128
    for axis in (1, 2):
        along = inked.any(axis=3 - axis)
        first, last = along.argmax(axis=1), 27 - along[:, ::-1].argmax(axis=1)
        assert 13 < ((first + last) / 2).mean() < 14
        assert np.abs((first + last) / 2 - 13.5).max() <= 4
        assert 17 < (last - first + 1).mean() < 22
    border = np.ones((28, 28), bool)
    border[1:-1, 1:-1] = False
    assert train.images[:, border].max() < 128


def test_drawings_of_a_class_are_alike_and_classes_are_not(train):
    images = train.images.reshape(964, 20, -1) / np.float32(255)
    within = np.linalg.norm(images[:, 0] - images[:, 1], axis=1)
    between = np.linalg.norm(images[:, 0] - np.roll(images[:, 1], 1, axis=0), axis=1)
    assert within.mean() < 0.9 * between.mean()
    assert (within < between).mean() > 0.8

    means = images[:100, :10].mean(axis=1)
    nearest = ((images[:100, 10:, None] - means) ** 2).sum(axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(100)[:, None]).mean() > 0.6


def test_a_drawing_is_the_same_whatever_the_fields(train, test):
    small = SMALL.load("train").images.reshape(40, 6, 28, 28)
    np.testing.assert_array_equal(small, train.images.reshape(964, 20, 28, 28)[:40, :6])
    part = Glyphs(train_classes=960, test_classes=6, instances=3).load("test")
    assert part.labels.tolist() == np.arange(960, 966).repeat(3).tolist()
    drawings = np.concatenate([train.images, test.images]).reshape(1623, 20, 28, 28)
    np.testing.assert_array_equal(part.images.reshape(6, 3, 28, 28), drawings[960:966, :3])


def test_the_bytes_of_a_small_set_are_pinned():
    images = SMALL.load("train").images
    assert (
        hashlib.sha256(images.tobytes()).hexdigest()
        == "57ad3c3b7aebef38d27419d78ba182bfcaac348a01915321b6ba7325624ca42a"
    )


def test_the_stream_of_numbers_is_pinned():
    assert np.random.Philox(key=3).random_raw(2).tolist() == [17234461323001060555, 1460271564492649549]


def test_one_drawing_of_one_class_is_enough():
    tiny = Glyphs(1, 1, 1)
    assert tiny.load("train").labels.tolist() == [0]
    assert tiny.load("test").labels.tolist() == [1]


@pytest.mark.parametrize("field", ["train_classes", "test_classes", "instances"])
def test_a_field_below_one_is_refused(field):
    with pytest.raises(UsageError, match=f"`{field}` must be at least 1, got 0"):
        Glyphs(**{field: 0})


def test_glyphs_need_no_files(cache, files_in):
    data = DATASETS["glyphs"]
    assert data == Glyphs()
    assert (data.missing(), data.found()) == ([], "generated")
    assert get("glyphs") == check("glyphs") == ["glyphs: 32 sample images drawn here are as expected."]
    assert files_in(cache) == []


def test_a_machine_that_draws_otherwise_is_told(monkeypatch):
    monkeypatch.setattr("vestige.data.glyphs.TEMPLATE", 49)
    with pytest.raises(RunError, match=r"SHA-256 of a sample drawn here is .*, expected "):
        Glyphs().check()
