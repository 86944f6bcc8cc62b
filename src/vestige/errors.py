"""The two ways in which Vestige refuses, and how it words them."""

import difflib
from collections.abc import Iterable


class VestigeError(Exception):
    """An error with a message meant for the person at the keyboard; shown without a traceback."""

    exit_code = 1


class UsageError(VestigeError):
    """The command, the configuration or a given file is wrong; nothing was started (exit code 2)."""

    exit_code = 2


class RunError(VestigeError):
    """A run that had started could not go on (exit code 1)."""

    exit_code = 1


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that suggests the known name closest to `name`, or lists all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(known)}."
