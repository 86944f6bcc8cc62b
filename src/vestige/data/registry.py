"""The known data sets, and what can be asked of one by its name."""

from typing import NamedTuple

from vestige.data.contract import Dataset
from vestige.data.digits import Digits
from vestige.data.example_stream import ExampleStream
from vestige.data.glyphs import Glyphs
from vestige.data.hippocampus import Hippocampus
from vestige.data.images import ImageData
from vestige.data.mnist import MNIST
from vestige.data.mocap import Mocap
from vestige.data.music import Music
from vestige.data.omniglot import Omniglot
from vestige.data.texts import Text, TinyShakespeare, WarAndPeace
from vestige.errors import UsageError, nearest
from vestige.registries import Registry, registry

DATASETS: Registry[Dataset] = Registry(
    "dataset",
    Dataset,
    {
        data.name: data
        for data in (
            Digits(),
            Glyphs(),
            MNIST(),
            Omniglot(),
            Music(),
            Mocap(),
            TinyShakespeare(),
            WarAndPeace(),
            Hippocampus(),
            ExampleStream(),
        )
    },
)
"""All of them by name; those of images, which all load alike, are instances of `ImageData`."""


def image_data(name: str) -> ImageData:
    """The set of images of that name. **Raises:** `UsageError` where there is none, with those that there are."""
    known = registry("dataset")
    sets = {other: data for other, data in known.items() if isinstance(data, ImageData)}
    if name not in sets:
        what = "is not a set of images" if name in known else "is unknown"
        raise UsageError(f"data set '{name}' {what}. {nearest(name, sets)}")
    return sets[name]


def text_data(name: str) -> Text:
    """The text of that name. **Raises:** `UsageError` where there is none, with those that there are."""
    known = registry("dataset")
    texts = {other: data for other, data in known.items() if isinstance(data, Text)}
    if name not in texts:
        what = "is not a text" if name in known else "is unknown"
        raise UsageError(f"data set '{name}' {what}. {nearest(name, texts)}")
    return texts[name]


class Row(NamedTuple):
    """One line of `listing()`; `found` is a place, "generated" or begins with "not here"."""

    name: str
    description: str
    found: str
    licence: str
    size: str


def listing() -> list[Row]:
    """A row for every data set. Opens no file; raises UsageError if VESTIGE_DATA is not a folder."""
    return [Row(d.name, d.description, d.found(), d.licence, d.size) for d in registry("dataset").values()]


def get(name: str) -> list[str]:
    """Fetch the data set `name` into the cache and check it; sentences that say what was done.

    Raises UsageError if the name is unknown, a file is damaged or cannot be downloaded; RunError if one
    cannot be written.
    """
    return _known(name).get()


def check(name: str) -> list[str]:
    """Check all files of the data set `name`, without a network; a sentence for each.

    Raises UsageError if the name is unknown or a file is missing or damaged.
    """
    return _known(name).check()


def _known(name: str) -> Dataset:
    return registry("dataset").find(name)
