"""The known data sets, and what can be asked of one by its name."""

from typing import NamedTuple, TypeVar

from vestige.data.contract import Dataset
from vestige.data.digits import Digits
from vestige.data.example_stream import ExampleStream
from vestige.data.glyphs import Glyphs
from vestige.data.hippocampus import Hippocampus
from vestige.data.images import ImageData
from vestige.data.listops import ListOps
from vestige.data.mnist import MNIST
from vestige.data.mocap import Mocap
from vestige.data.music import Music
from vestige.data.omniglot import Omniglot
from vestige.data.opinions import MovieRationales, SentimentTreebank
from vestige.data.texts import Text, TinyShakespeare, WarAndPeace
from vestige.data.treebank import EnglishEWT
from vestige.errors import UsageError, nearest
from vestige.registries import Registry, registry

Kind = TypeVar("Kind", bound=Dataset)

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
            ListOps(),
            EnglishEWT(),
            MovieRationales(),
            SentimentTreebank(),
        )
    },
)
"""All of them by name; those of images, which all load alike, are instances of `ImageData`."""


def image_data(name: str) -> ImageData:
    """The set of images of that name. **Raises:** `UsageError` where there is none, with those that there are."""
    return _of_kind(name, ImageData, "a set of images")


def text_data(name: str) -> Text:
    """The text of that name. **Raises:** `UsageError` where there is none, with those that there are."""
    return _of_kind(name, Text, "a text")


def _of_kind(name: str, kind: type[Kind], words: str) -> Kind:
    data = DATASETS.get(name)  # plugins are looked for only where Vestige has no such data set
    if isinstance(data, kind):
        return data
    what = "is unknown" if data is None else f"is not {words}"
    known = [other for other, data in DATASETS.items() if isinstance(data, kind)]
    raise UsageError(f"data set '{name}' {what}. {nearest(name, known)}")


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
