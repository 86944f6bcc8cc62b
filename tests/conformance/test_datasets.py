"""Every registered data set says where it is; what is here is sound."""

import pytest

from vestige.data import ImageData
from vestige.errors import UsageError
from vestige.registries import registry

DATASETS = registry("dataset")


@pytest.mark.parametrize("name", DATASETS)
def test_it_is_named_as_it_is_registered_and_described(name):
    data = DATASETS[name]
    assert data.name == name and data.description and data.licence and data.size


@pytest.mark.parametrize("name", DATASETS)
def test_what_is_here_is_sound_and_what_is_missing_is_said(name):
    data = DATASETS[name]
    if data.missing():
        with pytest.raises(UsageError, match=name):
            data.check()
    elif data.found() != "generated" or name != "glyphs":  # which takes seconds, and has tests of its own
        assert data.check()


@pytest.mark.parametrize("name", [name for name, data in DATASETS.items() if isinstance(data, ImageData)])
def test_images_are_square_and_as_large_as_is_said(name):
    data = DATASETS[name]
    assert isinstance(data, ImageData)
    if data.missing() or name == "glyphs":
        pytest.skip(f"{name} is not here, or takes seconds")
    train, test = data.load("train"), data.load("test")
    assert train.images.shape[1:] == test.images.shape[1:] == (data.side, data.side)
