"""How much a command says, and where: the options that commands share."""

import dataclasses
import json
import logging
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from vestige.cli import streams
from vestige.errors import UsageError

if TYPE_CHECKING:
    from vestige.training.progress import AbstractProgress


@dataclasses.dataclass(frozen=True, kw_only=True)
class Voice:
    """How much is said, and where."""

    quiet: Annotated[bool, tyro.conf.arg(aliases=["-q"])] = False
    """Print the results alone: no progress, no notes."""
    verbose: Annotated[bool, tyro.conf.arg(aliases=["-v"])] = False
    """Also print, on standard error, what the library logs: checkpoints, compiled programs, data."""
    json: bool = False
    """For programs: standard output is one JSON document, all else goes to standard error."""

    def listen(self) -> None:
        """Let the library's log through, if that is wanted; for a command, before it begins.

        **Raises:** `UsageError` where both less and more is wanted.
        """
        if self.quiet and self.verbose:
            raise UsageError("--quiet says less, --verbose says more: give one of them")
        if self.verbose:
            logging.getLogger("vestige").setLevel(logging.DEBUG)

    def note(self, text: str) -> None:
        """Print a line of `text` that is no result."""
        if not self.quiet:
            print(text, file=sys.stderr if self.json else sys.stdout, flush=True)

    def warn(self, text: str) -> None:
        """Print a line of `text` that must be read, to standard error, however little is to be said."""
        streams.say(text)

    def result(self, text: str) -> None:
        """Print a line of `text` that is a result, unless a document is printed."""
        if not self.json:
            print(text, flush=True)

    def print_json(self, content: Mapping[str, Any] | list[Any]) -> None:
        """Print the JSON document of a command; what is not a number becomes null.

        **Arguments:**

        - `content`: plain values.
        """
        from vestige.storage.results import finite

        print(json.dumps(finite(content), indent=1, allow_nan=False, ensure_ascii=False))

    def progress(self) -> "AbstractProgress":
        """The display of a run: none, a live one, or plain lines."""
        from vestige.training.progress import Silent, automatic

        return Silent() if self.quiet else automatic(sys.stderr if self.json else None)
