"""The pages in a real browser: nothing overflows, nothing is logged, and axe-core finds nothing serious."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report import test_filtering, test_graphs, test_learning_curves, test_reach
from tests.report.temporal import matrix_results
from tests.report.test_verdict import FALLING, LEVELS, write_comparison, write_run
from vestige.report import write_matrix, write_report

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[browser]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core: pip install '.[browser]'")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()


def pages(folder: Path) -> dict[str, Path]:
    """A page of every kind."""
    (folder / "matrix").mkdir(parents=True)
    long = {f"a-member-with-quite-a-long-name-{i}": [float(i), i + 0.5, i + 1.0] for i in range(14)}
    caveats = {"bounds": LEVELS, "evaluations": FALLING, "updates": 300, "skipped": 3, "uses": ["sample", "export"]}
    return {
        "caveats": write_report(write_run(folder / "caveats", {"kl_last": 0.4}, **caveats)),
        "comparison": write_report(write_comparison(folder / "comparison", long)),
        "matrix": write_matrix(matrix_results(), folder / "matrix"),
        "filtering": write_report(test_filtering.make(folder / "filtering")),
        "curves": write_report(test_learning_curves.make(folder / "curves")),
        "graphs": write_report(test_graphs.make(folder / "graphs")),
        "reach": write_report(test_reach.make(folder / "reach")),
    }


def check(browser: Any, page_path: Path) -> list[str]:
    """What is wrong with a page, a line each."""
    wrong: list[str] = []
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.goto(page_path.as_uri())
            if (over := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
                wrong.append(f"{over} pixels too wide at {width}")
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            found = axe.Axe().run(page).response["violations"] if width != 768 else []  # there it is as at 1280
            wrong.extend(
                f"{scheme} {width}: {each['id']}: {node['html'][:120]}"
                for each in found
                if each["impact"] in ("serious", "critical")
                for node in each["nodes"]
            )
            page.close()
    return wrong


def test_pages_of_every_kind(browser: Any, tmp_path: Path) -> None:
    found = {name: wrong for name, path in pages(tmp_path).items() if (wrong := check(browser, path))}
    assert not found


def test_a_run_and_a_comparison_whole(
    browser: Any, run_folder: Path, running_folder: Path, comparison_folder: Path
) -> None:
    folders = (run_folder, running_folder, comparison_folder)
    found = {folder.name: wrong for folder in folders if (wrong := check(browser, write_report(folder)))}
    assert not found


def test_the_check_sees_what_is_wrong(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    wide = '<div style="width: 2000px; color: #ccc; background: #fff">Hardly to be read</div>'
    script = "<script>console.error('told')</script>"
    page.write_text(f"<!doctype html><html lang=en><title>t</title><main><h1>T</h1>{wide}{script}<img src='data:,'>")
    found = "\n".join(check(browser, page))
    assert "pixels too wide at 360" in found and "told" in found and "color-contrast" in found and "image-alt" in found


def test_the_verdict_is_on_the_first_screen(browser: Any, run_folder: Path, comparison_folder: Path) -> None:
    for folder in (run_folder, comparison_folder):
        path = write_report(folder)
        for width, height in ((1280, 900), (360, 740)):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(path.as_uri())
            box = page.locator(".finding").bounding_box()
            assert box["y"] + box["height"] < height
            if width == 1280:
                last = page.locator(".answers > div").last.bounding_box()
                assert last["y"] + last["height"] < 1000
            page.close()
