"""The page that lists many runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vestige.report.files import replace_text
from vestige.report.templates import render


@dataclass(frozen=True)
class IndexRow:
    """One run, comparison or matrix, in words."""

    name: str
    """Its folder, relative to the one that was looked through."""
    link: str
    """Of its page, relative to the index; empty where it has none."""
    state: str
    what: str
    """Experiment, preset, seed."""
    options: str
    """In which it differs from the others."""
    verdict: str
    caveats: tuple[str, ...]
    updates: str
    cost: str
    """Time and size."""
    date: str
    member: bool = False
    """Whether it belongs to a comparison above it."""


def index_page(rows: Sequence[IndexRow], *, folder: Path, sentence: str, refresh: int | None = None) -> str:
    """A page with a row for each run.

    **Arguments:**

    - `rows`: in their order.
    - `folder`: that was looked through.
    - `sentence`: how many there are.
    - `refresh`: seconds after which the browser is to load it again; None: never.

    **Returns:** the page, as text.
    """
    return render(
        "runs.html",
        title=f"Runs in {folder}",
        rows=list(rows),
        sentence=sentence,
        folder=str(folder),
        refresh=refresh,
        files=[],
        notes=[],
    )


def write_index(rows: Sequence[IndexRow], path: Path, *, folder: Path, sentence: str) -> Path:
    """Write `index_page` to a file.

    **Arguments:**

    - `rows`, `folder`, `sentence`: of the page.
    - `path`: of the file.

    **Returns:** the page. **Raises:** `RunError` where it cannot be written.
    """
    return replace_text(path, index_page(rows, folder=folder, sentence=sentence))
