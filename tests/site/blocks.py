"""The fenced blocks of README and docs, and what HTML comments before them say.

`<!-- not run: reason -->` before a block: it is not run, and why. `<!-- before: code -->`: what a page leaves out and
the block needs; it is run first. `<!-- blocks: slow -->` anywhere on a page: its Python blocks are slow tests.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^```+ *([^\n]*)\n(.*?)^```+ *$", re.MULTILINE | re.DOTALL)
REMARK = re.compile(r"<!-- (not run|before): ?((?:(?!-->).)*)-->\s*\Z", re.DOTALL)
LANGUAGES = ("python", "sh", "console", "text", "toml", "yaml", "")


class Block(NamedTuple):
    """A fenced block: where it begins, its language, its lines, and what stands before it in comments."""

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None
    before: str

    @property
    def place(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def included(self) -> bool:
        """Whether the block is a file of the repository; .ci/run runs the examples."""
        return "--8<--" in self.text or self.text in examples()


def examples() -> list[str]:
    """The texts of all examples."""
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("*.py"))]


def pages() -> list[Path]:
    """README and all pages of the site."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        ahead, remarks = text[: match.start()], {"not run": None, "before": ""}
        while remark := REMARK.search(ahead):
            remarks[remark[1]], ahead = remark[2].strip(), ahead[: remark.start()]
        language = match[1].strip("{} .").split(" ")[0]
        line = text[: match.start()].count("\n") + 2
        found.append(Block(page, line, language, match[2], remarks["not run"], remarks["before"] or ""))
    return found


def slow(page: Path) -> bool:
    """Whether the page says that its Python blocks take long."""
    return "<!-- blocks: slow -->" in page.read_text(encoding="utf-8")
