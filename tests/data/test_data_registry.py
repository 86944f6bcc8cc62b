import inspect
import subprocess
import sys

import numpy as np
import pytest

from vestige.data import DATASETS, Digits, ImageData, ImageSet, Row, check, get, image_data, listing
from vestige.errors import UsageError

IMAGES = ["digits", "glyphs", "mnist", "omniglot"]


def test_the_package_and_the_smallest_images_import_nothing_heavy():
    heavy = ("jax", "equinox", "sklearn", "matplotlib", "PIL", "pooch", "requests")
    code = (
        "import sys, vestige.data; vestige.data.Digits().load('train'); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def test_the_registry_knows_the_data_sets_by_their_names():
    assert list(DATASETS) == [
        *IMAGES,
        "music",
        "mocap",
        "tinyshakespeare",
        "warandpeace",
        "hippocampus",
        "example-stream",
        "listops",
        "ud_english_ewt",
        "movie_rationales",
        "sst",
    ]
    assert all(data.name == name for name, data in DATASETS.items())
    assert [name for name, data in DATASETS.items() if isinstance(data, ImageData)] == IMAGES


def test_a_data_set_that_is_no_set_of_images_is_refused():
    assert image_data("digits") is DATASETS["digits"]
    with pytest.raises(UsageError, match=r"data set 'music' is not a set of images"):
        image_data("music")
    with pytest.raises(UsageError, match=r"data set 'minst' is unknown. Did you mean 'mnist'"):
        image_data("minst")


@pytest.mark.parametrize("name", IMAGES)
def test_an_unknown_split_is_refused_before_anything_is_looked_for(name, cache):
    with pytest.raises(UsageError, match=r"no split 'tset'. Did you mean 'test'\?"):
        inspect.unwrap(type(DATASETS[name]).load)(DATASETS[name], "tset")  # past the type checks of tests


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown dataset 'minst'. Did you mean 'mnist'\?"):
        get("minst")
    with pytest.raises(UsageError, match="Known: digits, example-stream, glyphs, hippocampus, listops, mnist"):
        check("zzz")


def test_listing_says_where_data_are(given):
    rows = {row.name: row for row in listing()}
    assert [type(row) for row in rows.values()] == [Row] * 14
    missing = ["not here"]
    assert [row.found for row in rows.values()] == [
        "in scikit-learn",
        "generated",
        *missing * 7,
        "generated",
        *missing * 4,
    ]
    (given / "omniglot").mkdir()
    (given / "omniglot" / "omniglot_28x28.npz").touch()
    (given / "mnist").mkdir()
    (given / "mnist" / "t10k-labels-idx1-ubyte.gz").touch()
    rows = {row.name: row for row in listing()}
    assert rows["omniglot"].found == str(given / "omniglot")
    assert rows["mnist"].found == "not here (3 of 4 files are missing)"


def test_listing_looks_into_the_cache_too(given, cache):
    (cache / "omniglot").mkdir(parents=True)
    (cache / "omniglot" / "omniglot_28x28.npz").touch()
    assert {row.name: row.found for row in listing()}["omniglot"] == str(cache / "omniglot")


@pytest.mark.parametrize("make_file", [False, True])
def test_vestige_data_that_is_no_folder_is_refused(tmp_path, monkeypatch, cache, make_file):
    path = tmp_path / "nowhere"
    if make_file:
        path.touch()
    monkeypatch.setenv("VESTIGE_DATA", str(path))
    for ask in (listing, lambda: check("mnist"), lambda: DATASETS["omniglot"].load("test")):
        with pytest.raises(UsageError, match=r"VESTIGE_DATA=.*nowhere is not a folder"):
            ask()


def test_vestige_data_of_an_unknown_user_is_refused(monkeypatch, cache):
    monkeypatch.setenv("VESTIGE_DATA", "~no-such-user/data")
    with pytest.raises(UsageError, match="is not a folder"):
        listing()


def test_digits_are_the_1797_of_scikit_learn_rescaled(cache):
    from sklearn.datasets import load_digits

    train, test = Digits().load("train"), Digits().load("test")
    assert (len(train), len(test)) == (1415, 382)
    images, labels = np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels])
    pixels, numbers = load_digits(return_X_y=True)
    assert images.dtype == np.uint8
    assert images.shape == (1797, 8, 8)
    assert images.max() == 255
    np.testing.assert_array_equal(np.rint(images.reshape(1797, 64) * (16 / 255)), pixels)
    np.testing.assert_array_equal(labels, numbers)


def test_digits_are_cut_between_two_forms():
    train, test = (Digits().load(split).labels for split in ("train", "test"))
    form = list(range(10)) * 3
    assert train[:30].tolist() == test[:30].tolist() == form


def test_digits_need_no_files(cache, files_in):
    assert Digits().missing() == []
    assert get("digits") == check("digits") == ["digits: 1,797 images of 8x8 in scikit-learn are as expected."]
    assert files_in(cache) == []


@pytest.mark.parametrize(
    ("images", "labels", "complaint"),
    [
        (np.zeros((2, 3, 3)), np.zeros(2, np.int32), r"must be uint8 .* got float64 \(2, 3, 3\)"),
        (np.zeros((2, 9), np.uint8), np.zeros(2, np.int32), r"must be uint8 .* got uint8 \(2, 9\)"),
        (np.zeros((0, 3, 3), np.uint8), np.zeros(0, np.int32), r"nothing empty"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), r"must be int32 .* got int64 \(2,\)"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(3, np.int32), r"shape \(2,\).* got int32 \(3,\)"),
        (np.zeros((1, 3, 3), np.uint8), np.full(1, -1, np.int32), r"must not be negative, got -1"),
    ],
)
def test_an_image_set_refuses_arrays_of_the_wrong_kind(images, labels, complaint):
    with pytest.raises(UsageError, match=complaint):
        ImageSet(images, labels)
