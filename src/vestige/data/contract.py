"""What every data set can do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar


class Dataset(ABC):
    """A named data set that is found, fetched and checked; concrete ones are frozen dataclasses with a `load`."""

    name: ClassVar[str]
    description: ClassVar[str]
    licence: ClassVar[str]
    size: ClassVar[str]

    @abstractmethod
    def missing(self) -> list[str]:
        """Names of the files that are neither in `$VESTIGE_DATA/<name>/` nor in the cache."""

    @abstractmethod
    def found(self) -> str:
        """The folders (or the library) that hold the files, "generated" or "not here"; nothing is opened."""

    @abstractmethod
    def get(self) -> list[str]:
        """Fetch what is missing into the cache, check everything, and say in sentences what was done.

        Raises the errors of `load`.
        """

    @abstractmethod
    def check(self) -> list[str]:
        """Check checksums, shapes and ranges of all files; one sentence for each.

        Never downloads. Raises UsageError at the first file that is missing or damaged.
        """

    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of the content of each of its files, by name, that `load` reads here or accepts alone; a run
        records them. Empty where the content is made by code.

        Raises the errors of `load`.
        """
        return {}
