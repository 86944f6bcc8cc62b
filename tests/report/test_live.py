"""The pages that are served while a run goes on."""

import http.client
import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vestige.cli.index import live_index
from vestige.errors import UsageError
from vestige.report import write_report
from vestige.report.live import HOST, LivePages, serve


@pytest.fixture
def served() -> Iterator:
    """Serves a folder in a thread that ends with the test's process; returns a function of a path."""

    def begin(folder: Path, **options):
        address: list[str] = []
        ready = threading.Event()

        def said(text: str) -> None:
            address.append(text)
            ready.set()

        threading.Thread(target=serve, args=(LivePages(folder, **options), 0, said), daemon=True).start()
        assert ready.wait(20)
        port = int(address[0].rstrip("/").rpartition(":")[2])

        def get(path: str, host: str = HOST, method: str = "GET") -> tuple[int, str, dict]:
            connection = http.client.HTTPConnection(HOST, port, timeout=60)
            connection.request(method, path, headers={"Host": f"{host}:{port}"})
            answer = connection.getresponse()
            found = answer.status, answer.read().decode(errors="replace"), dict(answer.getheaders())
            connection.close()
            return found

        return get

    return begin


def test_the_page_follows_the_files(running_folder: Path, served) -> None:
    get = served(running_folder)
    code, first, headers = get("/")
    assert code == 200 and "7,000 updates so far" in first and headers["Cache-Control"] == "no-store"
    assert '<meta http-equiv="refresh" content="5">' in first
    line = {"kind": "evaluate", "step": 8000, "seconds": 300.0, "kl_last": 0.123}
    log = running_folder / "metrics.jsonl"
    whole = log.read_text().rpartition("\n")[0]
    log.write_text(f"{whole}\n{json.dumps(line)}\n")
    second = get("/")[1]
    assert "8,000 updates so far" in second and "0.123" in second
    assert not (running_folder / "report.html").exists()


def test_a_finished_run_is_not_loaded_again(run_folder: Path, served) -> None:
    get = served(run_folder)
    assert get("/")[1] == write_report(run_folder).read_text()
    assert get("/", method="HEAD")[:2] == (200, "")
    assert get("/config.yaml")[1] == (run_folder / "config.yaml").read_text()


def test_the_runs_of_a_comparison(comparison_folder: Path, served) -> None:
    get = served(comparison_folder)
    assert "4 members of a comparison" in get("/")[1]
    assert "One training run" in get("/none/seed-0/report.html")[1]
    assert get("/none/seed-9/report.html")[0] == 500


def test_a_comparison_that_goes_on_lists_its_runs(comparison_folder: Path, served) -> None:
    (comparison_folder / "results.json").unlink()
    shutil.rmtree(comparison_folder / "none" / "seed-0")
    assert served(comparison_folder)("/")[0] == 500
    get = served(comparison_folder, many=live_index)
    code, text, _ = get("/")
    assert code == 200 and "Runs in" in text and 'http-equiv="refresh" content="5"' in text
    links = re.findall(r'href="([^"]+/report.html)"', text)
    assert links and not any(link.startswith("none/seed-0") for link in links)
    assert "One training run" in get(f"/{links[-1]}")[1]
    assert get("/none/seed-0/report.html")[0] == 500  # there is no such folder


def test_nothing_else_is_served(run_folder: Path, tmp_path: Path, served) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (run_folder / "link.json").symlink_to(secret)
    (run_folder / "notes.md").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(run_folder, elsewhere, symlinks=True)
    (run_folder / "out").symlink_to(elsewhere)
    get = served(run_folder)
    for path in ("/../secret.json", "/%2e%2e/secret.json", "/link.json", "/notes.md", "/out/report.html", "/a\\b.json"):
        assert get(path)[0] == 404, path
    assert get("/", host="evil.example")[0] == 403
    assert get("/", host="localhost")[0] == 200


def test_damaged_files_are_said(run_folder: Path, served) -> None:
    get = served(run_folder)
    (run_folder / "results.json").write_text("{")
    code, text, _ = get("/")
    assert code == 500 and "results.json cannot be read as JSON" in text


def test_refusals(tmp_path: Path, run_folder: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        LivePages(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="--refresh must be at least 1"):
        LivePages(run_folder, refresh=0)
    with pytest.raises(UsageError, match="--port 99999"):
        serve(LivePages(run_folder), 99999, print)
