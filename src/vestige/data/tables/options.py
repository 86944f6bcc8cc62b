"""How a file is read, where it does not say so itself."""

from dataclasses import dataclass, fields
from typing import Literal

from vestige.errors import UsageError, shown

MISSING_WORDS = frozenset(
    ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "-nan", "null", "NULL", "None", "NaT")
)
"""Texts that stand for a missing value in a text file."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a source is read; every default means: as it says itself, or as its first lines suggest."""

    delimiter: str | None = None
    """What stands between the cells of a text file, one character; `tab` and `space` have names."""
    decimal: str = "auto"
    """The decimal mark of a text file: . or , or auto: a comma where semicolons, tabs or bars separate the cells
    and numbers with commas are among the first lines, and none with a point; else a point."""
    header: Literal["auto", "yes", "no"] = "auto"
    """Whether the first line of a text file names the columns."""
    encoding: str = "utf-8"
    """Of a text file, such as cp1252."""
    missing: str | None = None
    """Further words or numbers that stand for a missing value, with commas between them, such as -999,?"""
    arrays: str | None = None
    """Of an .npz file or a Zarr group: names of the arrays to read, with commas between them; NAME=ARRAY gives one
    another name, such as that of the training, and lengths=ARRAY are the lengths of documents."""
    record: str | None = None
    """Of array records: the fields of a row in their order and their NumPy types, such as speed=f4,count=i4."""
    bin_width: float | None = None
    """The source holds spikes: count them in bins of this width, in the unit of their times."""
    spike_time: str | None = None
    """The column of spike times; by default the one whose name says so."""
    spike_unit: str | None = None
    """The column that says which unit fired; by default the one whose name says so."""

    def __post_init__(self):
        if self.decimal not in ("auto", ".", ","):
            raise UsageError(f"decimal must be auto, . or , got '{shown(self.decimal)}'")
        if self.header not in ("auto", "yes", "no"):
            raise UsageError(f"header must be auto, yes or no, got '{shown(self.header)}'")
        if self.delimiter is not None and len(self.mark or "") != 1:
            raise UsageError(f"delimiter must be one character, tab or space, got '{shown(self.delimiter)}'")
        if self.bin_width is not None and not 0 < self.bin_width < float("inf"):
            raise UsageError(f"bin_width must be positive and finite, got {self.bin_width}")

    @classmethod
    def of(cls, settings: "ReadOptions") -> "ReadOptions":
        """These options alone, out of the `settings` of a command that has them and others."""
        return ReadOptions(**{field.name: getattr(settings, field.name) for field in fields(ReadOptions)})

    @property
    def mark(self) -> str | None:
        """The delimiter itself."""
        return {"tab": "\t", "\\t": "\t", "space": " "}.get(self.delimiter or "", self.delimiter)

    @property
    def missing_words(self) -> frozenset[str]:
        """Those of every file, and the further ones."""
        return MISSING_WORDS | frozenset(words(self.missing))

    @property
    def missing_numbers(self) -> tuple[float, ...]:
        """The further ones that are numbers."""
        found = []
        for word in words(self.missing):
            try:
                found.append(float(word))
            except ValueError:
                continue
        return tuple(found)


def named_arrays(text: str | None) -> dict[str, str]:
    """What `arrays` says.

    **Arguments:** `text`: `A,NAME=B`.

    **Returns:** name -> array, in order; none: all arrays, by their own names.

    **Raises:** `UsageError` where a name or an array is empty, or a name stands twice.
    """
    found: dict[str, str] = {}
    for part in words(text):
        name, sign, array = (each.strip() for each in part.partition("="))
        if not name or (sign and not array):
            raise UsageError(f"arrays must be A,B or NAME=A, got '{shown(text or '')}'")
        if name in found:
            raise UsageError(f"arrays: '{shown(name)}' stands twice")
        found[name] = array or name
    return found


def words(text: str | None) -> tuple[str, ...]:
    """The parts of a `text` with commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()
