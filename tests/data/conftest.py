"""Where the tests of the data sets find real files, empty folders and a server on loopback."""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real files; the test is skipped if there is none."""
    value = os.environ.get("VESTIGE_DATA")
    folder = Path(value) if value else Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data: VESTIGE_DATA is {value or 'unset'} and {folder} is not a folder")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, which becomes $XDG_CACHE_HOME/vestige/data, and no VESTIGE_DATA."""
    monkeypatch.delenv("VESTIGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vestige" / "data"


@pytest.fixture
def given(tmp_path, monkeypatch, cache) -> Path:
    """An empty folder that VESTIGE_DATA names."""
    folder = tmp_path / "given"
    folder.mkdir()
    monkeypatch.setenv("VESTIGE_DATA", str(folder))
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        self.server.requested.append(self.path)  # type: ignore[attr-defined]


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on loopback for the folder `.root`, at `.url`, which notes paths in `.requested`."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    root = tmp_path / "served"
    root.mkdir()
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(root)))
    httpd.requested = []  # type: ignore[attr-defined]
    httpd.root = root  # type: ignore[attr-defined]
    httpd.url = f"http://127.0.0.1:{httpd.server_port}/"  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def files_in():
    """A function that lists every file below a folder, hidden and temporary ones too."""
    return lambda folder: sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
