"""What a reader learns from the first screen of a page, in a real browser.

    python benchmarks/first_screens.py FOLDER ...          a table, as Markdown, of runs and comparisons that are there
    python benchmarks/first_screens.py FOLDER ... --pictures OUT      also each first screen as a picture

Ten questions; for each page and width the answer is on the first screen (yes), further below (below), said not to be
known (unknown), or does not apply (–). Needs `pip install 'vestige[browser]'` and Chromium.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from vestige.report import write_report

SCREENS = {"desk": (1280, 900), "phone": (390, 844)}
QUESTIONS = (
    ("better than chance?", ("Beats chance?",)),
    ("than a baseline?", ("Beats a baseline?",)),
    ("near the best?", ("Near the best?",)),
    ("which is best?", ("Which is best?",)),
    ("trained enough?", ("Trained enough?",)),
    ("how sure?", ("How sure?", "By enough seeds?")),
    ("as published?", ("As published?",)),
    ("what did it cost?", ("What did it cost?",)),
)


def bottoms(page: Any, selector: str) -> list[tuple[str, float]]:
    """The text of each element and where it ends."""
    script = "all => all.map(e => [e.innerText, e.getBoundingClientRect().bottom + window.scrollY])"
    return page.eval_on_selector_all(selector, script)


def answered(page: Any, height: int) -> list[str]:
    """For each question what the first screen, of `height` pixels, says."""
    answers = bottoms(page, ".answers > div")
    finding = bottoms(page, ".finding")
    words = [("what was run?", bottoms(page, ".sentence"))]
    found = []
    verdict = finding[0] if finding else ("", 0.0)
    for name, questions in QUESTIONS:
        cell = "–"
        for text, bottom in answers:
            if text.strip().startswith(questions):
                said = "unknown" if "Not known" in text else "yes"
                cell = said if bottom <= height else "below"
        if cell == "–" and name == "than a baseline?" and "orth it" in verdict[0]:
            cell = "yes" if verdict[1] <= height else "below"
        found.append(cell)
    for _, elements in words:
        found.append("yes" if elements and elements[0][1] <= height else "below")
    uses = bottoms(page, ".uses")
    found.append("–" if not uses else "yes" if uses[0][1] <= height else "below")
    drawings = [bottom for _, bottom in bottoms(page, "svg, .piece img, .maps img, .parse svg")]
    found.append("–" if not drawings else "yes" if min(drawings) <= height else "below")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the first screens")
    options = parser.parse_args()
    names = [name for name, _ in QUESTIONS] + ["what was run?", "how do I use it?", "a picture?"]
    print("| page | screen | " + " | ".join(names) + " |")
    print("|---" * (2 + len(names)) + "|")
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as copies, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for folder in options.folders:
            copy = Path(copies) / folder.name
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
            path = write_report(copy)
            for screen, (width, height) in SCREENS.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                page.goto(path.as_uri())
                print(f"| {folder.name} | {screen} | " + " | ".join(answered(page, height)) + " |", flush=True)
                if options.pictures:
                    options.pictures.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=str(options.pictures / f"{folder.name}-{screen}.png"))
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
