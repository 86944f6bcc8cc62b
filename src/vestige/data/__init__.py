"""Data sets: where their files are, how they are fetched and checked, and their arrays.

`image_data(name).load(split)` gives an `ImageSet` of numpy arrays; recordings and texts load by what they are made of.
Files are looked for in `$VESTIGE_DATA/<name>/` (never written to), then in the user's cache folder; those of images are
downloaded into the cache otherwise, and digits and glyphs need none; an example of a stream is made there.

`open(source)` opens a table of yours, `infer(table)` suggests what its columns mean, and an `Encoder` makes numbers for
a model of it, and back. Importing this package imports neither JAX nor any of the libraries that single sources need.
"""

from typing import TYPE_CHECKING

from vestige.data.contract import Dataset
from vestige.data.digits import Digits
from vestige.data.example_stream import ExampleStream
from vestige.data.frames import FrameSet
from vestige.data.glyphs import Glyphs
from vestige.data.hippocampus import Hippocampus, Recording
from vestige.data.identity import Identity, NamedData, Source, UserFile, identify
from vestige.data.images import ImageData, ImageSet, Split
from vestige.data.listops import ListOps
from vestige.data.mnist import MNIST, IdxFile
from vestige.data.mocap import Mocap
from vestige.data.music import Music
from vestige.data.omniglot import Omniglot, OmniglotPart
from vestige.data.opinions import MovieRationales, SentimentTreebank
from vestige.data.recorded import Recorded, read_recorded
from vestige.data.registry import DATASETS, Row, check, get, image_data, listing, text_data
from vestige.data.stored import StoredData, StoredFile
from vestige.data.texts import Text, TinyShakespeare, WarAndPeace
from vestige.data.treebank import EnglishEWT, read_conllu

if TYPE_CHECKING:
    from vestige.data.tables import (
        AbstractTable,
        Batch,
        Cells,
        Column,
        Encoded,
        Encoder,
        Field,
        Parts,
        ReadOptions,
        Scales,
        Schema,
        SchemaOptions,
        Steps,
        differences,
        documents_of,
        fit_scales,
        hold_out,
        infer,
        open_table,
        require_columns,
    )
    from vestige.data.tables import open_table as open

__all__ = [
    "DATASETS",
    "MNIST",
    "AbstractTable",
    "Batch",
    "Cells",
    "Column",
    "Dataset",
    "Digits",
    "Encoded",
    "Encoder",
    "EnglishEWT",
    "ExampleStream",
    "Field",
    "FrameSet",
    "Glyphs",
    "Hippocampus",
    "Identity",
    "IdxFile",
    "ImageData",
    "ImageSet",
    "ListOps",
    "Mocap",
    "MovieRationales",
    "Music",
    "NamedData",
    "Omniglot",
    "OmniglotPart",
    "Parts",
    "ReadOptions",
    "Recorded",
    "Recording",
    "Row",
    "Scales",
    "Schema",
    "SchemaOptions",
    "SentimentTreebank",
    "Source",
    "Split",
    "Steps",
    "StoredData",
    "StoredFile",
    "Text",
    "TinyShakespeare",
    "UserFile",
    "WarAndPeace",
    "check",
    "differences",
    "documents_of",
    "fit_scales",
    "get",
    "hold_out",
    "identify",
    "image_data",
    "infer",
    "listing",
    "open",
    "open_table",
    "read_conllu",
    "read_recorded",
    "require_columns",
    "text_data",
]


def __getattr__(name: str) -> object:
    """The names of tables, which are imported when they are used."""
    if name not in __all__:
        raise AttributeError(f"module 'vestige.data' has no attribute '{name}'")
    from vestige.data import tables

    return getattr(tables, "open_table" if name == "open" else name)
