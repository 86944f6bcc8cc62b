"""Data sets: where their files are, how they are fetched and checked, and their arrays.

`image_data(name).load(split)` gives an `ImageSet` of numpy arrays; recordings and texts load by what they are made of.
Files are looked for in `$VESTIGE_DATA/<name>/` (never written to), then in the user's cache folder; those of images are
downloaded into the cache otherwise, and digits and glyphs need none; an example of a stream is made there. Importing
this package imports neither JAX nor any of the libraries that single data sets need.
"""

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

__all__ = [
    "DATASETS",
    "MNIST",
    "Dataset",
    "Digits",
    "EnglishEWT",
    "ExampleStream",
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
    "Recorded",
    "Recording",
    "Row",
    "SentimentTreebank",
    "Source",
    "Split",
    "StoredData",
    "StoredFile",
    "Text",
    "TinyShakespeare",
    "UserFile",
    "WarAndPeace",
    "check",
    "get",
    "identify",
    "image_data",
    "listing",
    "read_conllu",
    "read_recorded",
    "text_data",
]
