"""The two folders in which the files of a data set may lie."""

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from vestige.errors import UsageError


def given_folder(dataset: str) -> Path | None:
    """`$VESTIGE_DATA/<dataset>`, or None if the variable is unset or empty; it is only ever read.

    Raises UsageError if VESTIGE_DATA does not name a folder.
    """
    value = os.environ.get("VESTIGE_DATA")
    if not value:
        return None
    root = Path(value)
    with contextlib.suppress(RuntimeError):  # of "~nobody"
        root = root.expanduser()
    if not os.path.isdir(root):
        raise UsageError(
            f"VESTIGE_DATA={value} is not a folder. It should name one that holds the data sets as "
            f"FOLDER/{dataset}/<file>; correct it, or unset it to use the cache."
        )
    return root / dataset


def cache_folder(dataset: str) -> Path:
    """The folder into which downloads of `dataset` go; it need not exist yet.

    `$XDG_CACHE_HOME/vestige/data/<dataset>`, with `~/.cache` for an unset (or relative) variable on
    Linux and the platform's own cache folder elsewhere. Raises UsageError if there is no home folder.
    """
    value = os.environ.get("XDG_CACHE_HOME", "")
    if Path(value).is_absolute():
        cache = Path(value) / "vestige"
    elif sys.platform.startswith("linux"):
        try:
            cache = Path.home() / ".cache" / "vestige"
        except RuntimeError:
            raise UsageError(
                "No home folder is known, hence no cache folder. Set XDG_CACHE_HOME to a folder."
            ) from None
    else:
        import pooch

        cache = Path(pooch.os_cache("vestige"))
    return cache / "data" / dataset


def locate(dataset: str, file: str) -> Path | None:
    """Where a file of a data set lies: in the given folder, or else in the cache.

    **Arguments:**

    - `dataset`: the name of the data set.
    - `file`: the name of the file.

    **Returns:** its path; None where neither folder has it.

    **Raises:** `UsageError` where VESTIGE_DATA names no folder or a place cannot be searched.
    """
    folders = (given_folder(dataset), cache_folder(dataset))
    for folder in folders:
        if folder is not None:
            try:
                if (folder / file).is_file():
                    return folder / file
            except OSError as error:
                raise UsageError(f"{folder / file} cannot be looked at: {error.strerror}.") from None
    return None


def where(dataset: str, files: Iterable[str]) -> str:
    """Where the files of a data set lie, for people.

    **Arguments:**

    - `dataset`: the name of the data set.
    - `files`: the names of its files.

    **Returns:** the folder or folders, or "not here", with a count where only some are missing.

    **Raises:** `UsageError` as `locate` does.
    """
    files = list(files)
    paths = [locate(dataset, file) for file in files]
    absent = paths.count(None)
    if absent == len(files):
        return "not here"
    if absent:
        return f"not here ({absent} of {len(files)} files are missing)"
    return ", ".join(dict.fromkeys(str(path.parent) for path in paths if path))


def absent(dataset: str, files: Iterable[str]) -> list[str]:
    """The files of a data set that are in neither folder.

    **Arguments:**

    - `dataset`: the name of the data set.
    - `files`: the names of its files.

    **Raises:** `UsageError` as `locate` does.
    """
    return [file for file in files if locate(dataset, file) is None]


def by_hand(dataset: str, files: dict[str, int], url: str) -> str:
    """Sentences that say how to put files in place without us.

    **Arguments:**

    - `dataset`: the name of the data set.
    - `files`: name -> size in bytes.
    - `url`: where they are to be had.
    """
    lines = [f"  {file} ({megabytes(size)})" for file, size in files.items()]
    return "\n".join(
        [
            f"To put the data in place by hand, copy into {cache_folder(dataset)}",
            *lines,
            f"from {url}",
            f"or set VESTIGE_DATA=FOLDER to a folder that has them as FOLDER/{dataset}/<file>.",
        ]
    )


def megabytes(size: int) -> str:
    """`size` bytes as a person reads it, in MB or kB of 1000."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
