"""The two ways in which Vestige refuses, and how it words them."""

import difflib
import re
from collections.abc import Iterable

LONGEST_MESSAGE = 2000
"""Characters of an error message; whatever a file or a command line holds, it is not repeated at greater length."""
LONGEST_WORD = 300
LONGEST_LIST = 800


class VestigeError(Exception):
    """An error with a message meant for the person at the keyboard; shown without a traceback.

    The message is passed through [`bounded`][vestige.errors.bounded].
    """

    exit_code = 1

    def __init__(self, message: object = ""):
        super().__init__(bounded(str(message)))


class UsageError(VestigeError):
    """The command, the configuration or a given file is wrong; nothing was started (exit code 2)."""

    exit_code = 2


class RunError(VestigeError):
    """A run that had started could not go on (exit code 1)."""

    exit_code = 1


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that suggests the one of the `known` names closest to `name`, or lists them."""
    known = sorted(known)
    close = difflib.get_close_matches(name[:LONGEST_WORD], known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {listed(known)}."


def listed(names: Iterable[str]) -> str:
    """Names with commas between them; the first of them and their number where they are many."""
    names = list(names)
    text = ", ".join(names)
    if len(text) <= LONGEST_LIST:
        return text
    return f"{text[:LONGEST_LIST].rpartition(', ')[0]}, … ({len(names)} in all)"


def shown(value: object, longest: int = 60) -> str:
    """A `value` as an error message quotes it: its first `longest` characters, control characters escaped."""
    try:
        text = str(value)
    except ValueError:  # Python does not write integers of more than 4,300 digits
        return "an integer of thousands of digits"
    return escaped(text if len(text) <= longest else f"{text[: longest - 1]}…")


def escaped(text: str) -> str:
    r"""Text with what cannot be printed (control characters, halves of surrogate pairs) as `\x1b`; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def bounded(text: str) -> str:
    """A message of at most `LONGEST_MESSAGE` printable characters.

    A word longer than `LONGEST_WORD` (a path, a value) keeps its beginning and its end; a message that is longer still
    does too, since its end says how to fix the error.
    """
    half = LONGEST_WORD // 2 - 20
    text = text if len(text) <= 2**20 else f"{text[: 2**19]} … {text[-(2**19) :]}"
    text = re.sub(
        rf"\S{{{LONGEST_WORD + 1},}}",
        lambda m: f"{m[0][:half]}…({len(m[0]):,} characters)…{m[0][-half:]}",
        escaped(text),
    )
    if len(text) <= LONGEST_MESSAGE:
        return text
    return f"{text[: LONGEST_MESSAGE - 600]} … {text[-500:]}"
