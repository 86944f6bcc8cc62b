"""How a file is put in place whole or not at all, and what is said about one that is damaged."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from vestige.errors import RunError, UsageError
from vestige.gate import Unreadable


class Damaged(Exception):
    """The content of a file is not what it should be; the text is a clause about "it"."""


def refuse(dataset: str, path: Path, damage: Damaged | Unreadable) -> NoReturn:
    """Raise the UsageError for the `damage` of a file of `dataset` at `path`."""
    clause = damage.clause if isinstance(damage, Unreadable) else damage
    raise UsageError(f"{path}: {clause}. Delete it and run `vestige data get {dataset}`.") from None


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Lend a temporary path beside `path`, which takes its place if the block succeeds.

    The folder is made if need be. If the block raises, the temporary file is removed and `path` is as
    it was. Raises the OSError of the file system as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> RunError:
    """The error for a file that could not be written.

    **Arguments:**

    - `path`: of the file.
    - `error`: of the operating system.
    """
    return RunError(
        f"{path} could not be written: {error.strerror or error}. Nothing was left behind. Make room or "
        "give permission there, or set XDG_CACHE_HOME to another folder."
    )


def download(path: Path, mirrors: Sequence[str], verify: Callable[[Path], object], way_out: str) -> None:
    """Download `path.name` from the first of `mirrors` (folder URLs) that serves it right, to `path`.

    `verify` gets the path of the downloaded file and raises Damaged if its content is wrong. Raises
    UsageError with what went wrong at each mirror and `way_out` if no mirror will do, and RunError if
    the file cannot be written. Either way no file is left behind.
    """
    import pooch
    import requests

    get = pooch.HTTPDownloader(timeout=(10, 60), headers={"Accept-Encoding": "identity"})
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{path.name}"
        try:
            with staged(path) as part:
                with open(part, "xb") as file:
                    get(url, file, None)
                verify(part)
            return
        except requests.RequestException as error:  # an OSError too, so it comes first
            failures.append(f"  {url}: {_reason(error)}")
        except Damaged as damage:
            failures.append(f"  {url}: {damage}")
        except OSError as error:
            raise unwritable(path, error) from None
    raise UsageError("\n".join([f"{path.name} could not be downloaded:", *failures, way_out]))


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return f"{type(error).__name__}: {error}"
