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
from vestige.data.texts import TinyShakespeare, WarAndPeace
from vestige.errors import UsageError, nearest

DATASETS: dict[str, ImageData] = {data.name: data for data in (Digits(), Glyphs(), MNIST(), Omniglot())}
"""Those of images, which all load alike."""

KNOWN: dict[str, Dataset] = {
    **DATASETS,
    **{
        data.name: data for data in (Music(), Mocap(), TinyShakespeare(), WarAndPeace(), Hippocampus(), ExampleStream())
    },
}
"""All of them."""


class Row(NamedTuple):
    """One line of `listing()`; `found` is a place, "generated" or begins with "not here"."""

    name: str
    description: str
    found: str
    licence: str
    size: str


def listing() -> list[Row]:
    """A row for every data set. Opens no file; raises UsageError if VESTIGE_DATA is not a folder."""
    return [Row(d.name, d.description, d.found(), d.licence, d.size) for d in KNOWN.values()]


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
    if name not in KNOWN:
        raise UsageError(f"There is no data set '{name}'. {nearest(name, KNOWN)}")
    return KNOWN[name]
