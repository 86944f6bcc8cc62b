"""Texts as characters."""

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from vestige.data.stored import StoredData, StoredFile

SHARES = (0.9, 0.95)
"""The usual cut of a text: nine tenths to train on, a twentieth to choose by, a twentieth to evaluate on."""

_SHAKESPEARE = StoredFile(
    "tinyshakespeare.txt.gz", 433_884, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
)
_TOLSTOY = StoredFile(
    "warandpeace.txt.gz", 1_207_511, "bf5b273d9246268f96663c43c00a1055ae2e42c2262be32f7e43b48dd123451a"
)


@dataclass(frozen=True)
class Text(StoredData):
    """A text in one gzipped UTF-8 file."""

    @abstractmethod
    def load(self) -> str:
        """All of it. Raises UsageError if the file is missing or damaged."""

    def parts(self) -> tuple[str, str, str]:
        """The first 90 %, the next 5 % and the last 5 %."""
        text = self.load()
        first, second = (int(share * len(text)) for share in SHARES)
        return text[:first], text[first:second], text[second:]


@dataclass(frozen=True)
class TinyShakespeare(Text):
    """Parts of Shakespeare's plays, 1,115,394 characters of 65 kinds."""

    name: ClassVar[str] = "tinyshakespeare"
    description: ClassVar[str] = "parts of Shakespeare's plays, 1,115,394 characters of 65 kinds"
    licence: ClassVar[str] = "public domain"
    size: ClassVar[str] = "0.4 MB"

    file: StoredFile = _SHAKESPEARE

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return (self.file,)

    @property
    def source(self) -> str:
        return (
            "data/tinyshakespeare/input.txt of https://github.com/karpathy/char-rnn at "
            "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e, gzipped,"
        )

    def load(self) -> str:
        return self.text(self.file)


@dataclass(frozen=True)
class WarAndPeace(Text):
    """Tolstoy's War and Peace in the Maude translation, without the header and licence of Project Gutenberg."""

    name: ClassVar[str] = "warandpeace"
    description: ClassVar[str] = "War and Peace, Maude translation, 3.2 million characters"
    licence: ClassVar[str] = "Project Gutenberg licence; public domain in the USA"
    size: ClassVar[str] = "1.2 MB"

    file: StoredFile = _TOLSTOY

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return (self.file,)

    @property
    def source(self) -> str:
        return (
            "Project Gutenberg's EBook 2600 in https://github.com/timbmg/RNNLM at "
            "e26dff5d8f4b5d07ee459f192ee2131923d7584f, gzipped,"
        )

    def load(self) -> str:
        """What lies between the lines that mark start and end."""
        whole = self.text(self.file)
        start = re.search(r"\*\*\* START OF .*\*\*\*", whole)
        end = re.search(r"\*\*\* END OF .*\*\*\*", whole)
        assert start and end
        return whole[start.end() : end.start()].strip() + "\n"
