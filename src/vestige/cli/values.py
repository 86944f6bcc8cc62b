"""How values are typed: digits are ASCII digits, numbers finite, names of files such as a disk can hold."""

import contextlib
import difflib
import io
import math
import os
import re
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from vestige.errors import UsageError, shown

LONGEST_NAME = 255
"""Bytes of one name in a path."""
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_REAL = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def integer(text: str) -> int:
    """A whole number in ASCII digits. **Raises:** `ValueError` for any other `text`, and beyond 64 bits."""
    if not _INTEGER.fullmatch(text) or text == "-0":
        raise ValueError(f"expected a whole number in the digits 0 to 9, such as 12, got '{shown(text, 40)}'")
    if len(text) > 20:
        raise ValueError(f"expected a whole number of at most 64 bits, got one of {len(text):,} digits")
    return int(text)


def real(text: str) -> float:
    """A finite number in ASCII digits. **Raises:** `ValueError` for any other `text`, and for what is no double."""
    if not _REAL.fullmatch(text):
        raise ValueError(f"expected a finite number in the digits 0 to 9, such as 0.5 or 1e-3, got '{shown(text, 40)}'")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"expected a number of at most about 1.8e308, got {shown(text, 40)}")
    if value == 0 and (text.startswith("-") or re.search("[1-9]", re.split("[eE]", text)[0])):
        raise ValueError(f"expected 0, or a number that is not rounded to it (1e-308 or more), got {shown(text, 40)}")
    return value


def path(text: str) -> Path:
    """A path that a file could have. **Raises:** `ValueError` for any other `text`."""
    if not text.strip():
        raise ValueError("expected the name of a file or folder, got an empty one")
    for name in text.split(os.sep):
        if (size := len(os.fsencode(name))) > LONGEST_NAME:
            raise ValueError(f"'{shown(name, 40)}' is a name of {size} bytes, and a disk holds at most {LONGEST_NAME}")
    return Path(text)


VALUES = ConstructorRegistry()
"""How tyro reads integers, real numbers and paths."""

_READERS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    int: ("INT", integer),
    float: ("FLOAT", real),
    Path: ("PATH", path),
}


@VALUES.primitive_rule
def _strict(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    kinds = set(typing.get_args(info.type) or [info.type])
    optional, kind = type(None) in kinds, next(iter(kinds - {type(None)}), None)
    if kind not in _READERS or len(kinds) > 1 + optional:
        return None
    metavar, read = _READERS[kind]
    allowed: Any = (int, float) if kind is float else kind
    none = optional and "None"
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{{None}}|{metavar}" if optional else metavar,
        instance_from_str=lambda words: None if words[0] == none else read(words[0]),
        is_instance=lambda value: (
            (optional and value is None) or (isinstance(value, allowed) and not isinstance(value, bool))
        ),
        str_from_instance=lambda value: [str(value)],
    )


@contextlib.contextmanager
def worded() -> Iterator[None]:
    """**Raises:** `UsageError` with what tyro would print about a wrong command, in place of its frame of lines."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    except SystemExit as ended:
        if ended.code != 2:
            raise
        raise UsageError(_unframed(said.getvalue())) from None


def _unframed(text: str) -> str:
    """The sentences in a frame: its first line is a title."""
    lines = [line.strip(" \t│|╭╮╰╯") for line in text.splitlines()]
    title, *rest = [line for line in lines if line.strip("─-+= ")]
    title = title.strip("─-+= ")
    said = re.sub(
        r"\.?( Argument helptext: .*)? For full helptext, (see|run):? (.*)$", r"; see \3", " ".join(rest)
    ).removeprefix("Error parsing ")
    complete = title.startswith("Value error") or said.lower().startswith(title.lower())
    return suggesting(said if complete else f"{title[0].lower()}{title[1:]}: {said}")


def suggesting(said: str) -> str:
    """A message of tyro that ends its first part with the name that was probably meant.

    **Arguments:**

    - `said`: the message, in one line.
    """
    if unknown := re.match(r"Unrecognized options: (\S+?)(,? .*?|) Perhaps you meant: (.*?)(; see [^;]*)$", said):
        name, _, meant, see = unknown.groups()
        flag = re.search(r"--[a-z0-9.-]+", meant)
        return f"unknown option '{shown(name)}'. Did you mean '{flag[0]}'? S{see[3:]}" if flag else said
    if wrong := re.search(r"invalid choice '(.*?)' for argument '(.*?)'\. Expected one of \((.*?)\)(.*)$", said):
        value, option, listed, see = wrong.groups()
        choices = re.findall(r"'([^']*)'", listed)
        close = difflib.get_close_matches(value, choices, n=1, cutoff=0.5)
        hint = f". Did you mean '{close[0]}'? S{see[3:]}" if close else see
        return f"{option} must be one of {', '.join(choices)}, got '{shown(value)}'{hint}"
    return said
