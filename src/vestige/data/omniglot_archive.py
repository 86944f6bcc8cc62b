"""Turning the original Omniglot archives into arrays of 28x28."""

import hashlib
import io
import re
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.data.box import shrink
from vestige.data.files import Damaged

_DRAWING = re.compile(r"(?:.*/)?(?P<alphabet>[^/]+)/(?P<character>character\d+)/(?P<number>\d+)_(?P<drawer>\d+)\.png")
_SIDE, _SMALL = 105, 28
ARCHIVE_BYTES = 2**28


def verify_archive(path: Path, md5: str) -> None:
    """Raise Damaged unless the file at `path` has that `md5`."""
    try:
        with gate.open_regular(path, limit=ARCHIVE_BYTES) as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except gate.Unreadable as error:
        raise Damaged(error.clause) from None
    except OSError as error:
        raise Damaged(f"it cannot be read ({error.strerror or error})") from None
    if digest != md5:
        raise Damaged(f"its MD5 is {digest}, expected {md5}")


def read_archive(path: Path) -> dict[str, np.ndarray]:
    """The drawings in the zip at `path`, ordered by alphabet, character and drawer name.

    Gives `images` uint8 (n, 28, 28) with 255 = ink, `alphabet`, `character` and `drawer` uint8 (n,)
    from 0, `class` uint16 (n,), the number in the file name minus one, and `alphabet_names`
    str (alphabets,). The archive has `.../<alphabet>/character<k>/<number>_<drawer>.png`, black on
    white, 105x105; other entries are passed over. Raises Damaged.
    """
    try:
        with gate.open_zip(path, limit=ARCHIVE_BYTES) as archive:
            found = [m for name in archive.namelist() if (m := _DRAWING.fullmatch(name))]
            found.sort(key=lambda m: (m["alphabet"], m["character"], m["drawer"]))
            if not found:
                raise Damaged("it has no <alphabet>/character<k>/<number>_<drawer>.png in it")
            drawings = [_ink(m.string, archive.read(m.string)) for m in found]
    except gate.Unreadable as error:
        raise Damaged(error.clause) from None

    alphabets = sorted({m["alphabet"] for m in found})
    index = {name: i for i, name in enumerate(alphabets)}
    return {
        "images": shrink(np.stack(drawings), _SMALL),
        "alphabet": np.array([index[m["alphabet"]] for m in found], np.uint8),
        "character": np.array([int(m["character"].removeprefix("character")) - 1 for m in found], np.uint8),
        "drawer": np.array([int(m["drawer"]) - 1 for m in found], np.uint8),
        "class": np.array([int(m["number"]) - 1 for m in found], np.uint16),
        "alphabet_names": np.array(alphabets),
    }


def _ink(name: str, png: bytes) -> np.ndarray:
    """A PNG drawing as uint8 (105, 105) with 255 = ink, 0 = paper."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            grey = np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError) as error:
        raise Damaged(f"its entry {name} is not a readable PNG ({error})") from None
    if grey.shape != (_SIDE, _SIDE):
        raise Damaged(f"its entry {name} has {grey.shape} pixels, expected ({_SIDE}, {_SIDE})")
    return np.where(grey < 128, 255, 0).astype(np.uint8)
