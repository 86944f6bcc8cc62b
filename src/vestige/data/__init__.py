"""Image data sets: where their files are, how they are fetched and checked, and their arrays.

`DATASETS[name].load(split)` gives an `ImageSet` of numpy arrays. Files are looked for in
`$VESTIGE_DATA/<name>/` (never written to), then in the user's cache folder, and are downloaded
into the cache otherwise; digits and glyphs need none. Importing this package imports neither JAX nor
any of the libraries that single data sets need.
"""

from vestige.data.digits import Digits
from vestige.data.glyphs import Glyphs
from vestige.data.images import ImageData, ImageSet, Split
from vestige.data.mnist import MNIST, IdxFile
from vestige.data.omniglot import Omniglot, OmniglotPart
from vestige.data.registry import DATASETS, Row, check, get, listing

__all__ = [
    "DATASETS",
    "MNIST",
    "Digits",
    "Glyphs",
    "IdxFile",
    "ImageData",
    "ImageSet",
    "Omniglot",
    "OmniglotPart",
    "Row",
    "Split",
    "check",
    "get",
    "listing",
]
