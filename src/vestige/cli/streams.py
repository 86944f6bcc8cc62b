"""What is printed survives the encoding of its terminal, a pipe that is closed and a disk that is full."""

import codecs
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

PLAIN = str.maketrans({
    "−": "-", "–": "-", "—": "-", "…": "...", "×": "x", "·": "-", "≤": "<=", "≥": ">=", "≈": "~", "→": "->",
    "━": "-", "─": "-", "╸": "-", "╺": "-", "’": "'", "“": '"', "”": '"', "²": "^2", "±": "+-",
})  # fmt: skip
"""Characters that have a plain form: a minus that became a question mark would change a number."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """What is printed for characters that an encoding does not have: their plain form, else a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(character.translate(PLAIN) if ord(character) in PLAIN else "?" for character in missing), error.end


codecs.register_error("vestige.plain", _plainly)


class Output:
    """A text `stream` that keeps the error of a write to it, which distinguishes it from other files."""

    def __init__(self, stream: Any):
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """As the stream does."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """As the stream does."""
        try:
            self._stream.flush()
        except OSError as error:
            self.error = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def prepared() -> Iterator[Output]:
    """Standard output and standard error that can be printed to, whatever they are.

    A character that the encoding does not have is printed in its plain form, such as - for −, else as `?`. A stream
    that is closed is replaced by the null device, as a descriptor too: otherwise the next file that is opened takes its
    number, and what a library prints ends up in that file.

    **Returns:** a context in which standard output is an `Output`.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    for name, errors in (("stdout", "vestige.plain"), ("stderr", "vestige.plain")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for as long as the process is
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)
    before = sys.stdout
    sys.stdout = output = Output(before)
    try:
        yield output
    finally:
        sys.stdout = before


@contextlib.contextmanager
def logged() -> Iterator[None]:
    """Within the block warnings of the library's log go to standard error; `-v` lets the rest through."""
    logger = logging.getLogger("vestige")
    handler, level = logging.StreamHandler(sys.stderr), logger.level
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def say(text: str) -> None:
    """Print a line of `text` to standard error; where that is gone, there is nobody to hear it."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def finish(output: Output, code: int) -> int:
    """Flush what was printed.

    **Arguments:**

    - `output`: standard output.
    - `code`: the exit code as far as the command is concerned.

    **Returns:** that code; 1 where the output could not be written, which is said in one sentence. A reader that has
    closed its pipe has seen enough, and nothing is said.
    """
    with contextlib.suppress(OSError, ValueError):
        output.flush()
    if output.error is None:
        return code
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())  # so that nothing fails at the very end
    if not isinstance(output.error, BrokenPipeError):
        say(f"vestige: what was printed could not be written: {output.error.strerror or output.error}")
    return code or 1
