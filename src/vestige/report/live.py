"""The pages of a folder served to this machine alone, made anew when its files change."""

import http.server
import mimetypes
import os
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from vestige import gate
from vestige.errors import UsageError, VestigeError
from vestige.report.comparison import is_comparison
from vestige.report.files import REPORT, need_folder
from vestige.report.matrix import is_matrix
from vestige.storage.config import CONFIG
from vestige.storage.results import RESULTS

HOST = "127.0.0.1"
REFRESH = 5
"""Seconds after which a page of a run that still goes on is loaded again."""
MOST_BYTES = 2**28
"""Of a file that is served."""
SERVED = frozenset({".yaml", ".jsonl", ".json", ".npz", ".png", ".csv", ".tsv", ".txt", ".parquet"})
"""The files that a page links to, by suffix; all else is refused."""


class LivePages:
    """The pages of a folder of a run, a comparison or a matrix, and of those in it, from what the files hold now.

    A page is made anew where a file it is made of has changed, and kept otherwise. While a run goes on, its page asks
    the browser to load it again.

    **Arguments:**

    - `folder`: of the run, the comparison or the matrix.
    - `refresh`: seconds between two loads.
    - `many`: makes the page of a folder that holds runs and has no results of its own, such as a comparison that goes
      on, from the folder and the seconds; None: such a folder has no page.

    **Raises:** `UsageError` where there is no such folder.
    """

    def __init__(self, folder: Path, *, refresh: int = REFRESH, many: Callable[[Path, int], str] | None = None):
        if refresh < 1:
            raise UsageError(f"--refresh must be at least 1 second, got {refresh}")
        self.root, self.refresh, self.many = need_folder(Path(folder)).resolve(), refresh, many
        self._kept: dict[Path, tuple[tuple[tuple[str, int, int], ...], str]] = {}
        self._lock = threading.Lock()

    def page(self, folder: Path) -> str:
        """The page of `folder`, as text. **Raises:** `VestigeError` where it cannot be made."""
        with self._lock:  # matplotlib draws for one at a time
            stamp = _stamp(folder)
            kept = self._kept.get(folder)
            if kept is None or kept[0] != stamp:
                kept = self._kept[folder] = (stamp, self._made(folder))
            return kept[1]

    def _made(self, folder: Path) -> str:
        if is_comparison(folder):
            from vestige.report.comparison_page import comparison_page

            return comparison_page(folder)
        if is_matrix(folder):
            from vestige.report.matrix_page import matrix_page

            return matrix_page(folder)
        if self.many is not None and not any(os.path.lexists(folder / name) for name in (CONFIG, RESULTS)):
            return self.many(folder, self.refresh)
        from vestige.report.run_page import run_page

        return run_page(folder, refresh=self.refresh)

    def found(self, path: str) -> Path | None:
        """The file, or the folder of the page, that a path of a request leads to; None where it is not to be served:
        outside the folder, of another kind, or not there.
        """
        parts = PurePosixPath(unquote(urlsplit(path).path)).parts[1:]
        if ".." in parts or any("\0" in part or "\\" in part for part in parts):
            return None
        file = self.root.joinpath(*parts)
        if not parts or parts[-1] == REPORT:
            return file if not parts else file.parent if _within(file.parent, self.root) else None
        return file if file.suffix in SERVED and file.is_file() and _within(file, self.root) else None


def _within(path: Path, root: Path) -> bool:
    """Whether `path`, links followed, lies in `root`."""
    there = path.resolve()
    return there == root or root in there.parents


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """The files of a folder with their sizes and times; of the runs of a comparison too."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("checkpoints", "tensorboard"))
        for name in sorted(files):
            if name != REPORT and Path(name).suffix in SERVED:
                try:
                    state = os.stat(os.path.join(where, name))
                except OSError:  # it was replaced in this moment
                    continue
                found.append((os.path.join(where, name), state.st_size, state.st_mtime_ns))
    return tuple(found)


def serve(pages: LivePages, port: int, ready: Callable[[str], None]) -> None:
    """Serve pages on 127.0.0.1 until the process is interrupted; nothing is written.

    **Arguments:**

    - `pages`: what is served.
    - `port`: 0: any that is free.
    - `ready`: receives the address, once it can be opened.

    **Raises:** `UsageError` where the port is taken.
    """
    try:
        server = http.server.ThreadingHTTPServer((HOST, port), _handler(pages))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--port {port}: {reason}. Choose another, or 0 for any that is free.") from error
    with server:
        ready(f"http://{HOST}:{server.server_address[1]}/")
        server.serve_forever(poll_interval=0.2)


def _handler(pages: LivePages) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """GET and HEAD of pages and of the files they link to, to requests that name this machine."""

        shown: ClassVar[LivePages] = pages

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            name = (self.headers.get("Host") or "").rpartition(":")[0]
            if name not in (HOST, "localhost"):  # a page of elsewhere whose name leads here
                self._send(HTTPStatus.FORBIDDEN, b"this address is for this machine alone", "text/plain", body)
                return
            where = self.shown.found(self.path)
            if where is None:
                self._send(HTTPStatus.NOT_FOUND, b"there is no such page", "text/plain", body)
                return
            try:
                if where.is_dir():
                    text, kind = self.shown.page(where).encode(), "text/html; charset=utf-8"
                else:
                    text, kind = (
                        gate.read_bytes(where, limit=MOST_BYTES),
                        mimetypes.guess_type(where.name)[0] or "text/plain; charset=utf-8",
                    )
            except (VestigeError, gate.Unreadable, OSError) as error:
                self._send(HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode(), "text/plain; charset=utf-8", body)
                return
            self._send(HTTPStatus.OK, text, kind, body)

        def _send(self, status: HTTPStatus, text: bytes, kind: str, body: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            if body:
                self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a terminal has better things to show."""

    return Handler
