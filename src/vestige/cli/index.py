"""Runs of a folder in words, and the page that lists them."""

import contextlib
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vestige.cli.folders import sized
from vestige.errors import VestigeError
from vestige.training.pace import duration

if TYPE_CHECKING:
    from vestige.report.answers import Verdict
    from vestige.report.index_page import IndexRow
    from vestige.runs.overview import Found

    Differ = Mapping[Path, Mapping[str, Any]]
    Verdicts = Mapping[Path, Verdict | None]

MOST_OPTIONS = 6
PAGE = "report.html"


def verdict_in(folder: Path) -> "Verdict | None":
    """That of the run, comparison or matrix in `folder`; None where there is none."""
    from vestige.report.verdict import verdict_of

    with contextlib.suppress(VestigeError, OSError):
        return verdict_of(folder)
    return None


def sentence_of(found: "list[Found]", folder: Path) -> str:
    """How many of the runs that were `found` in `folder` there are, in what states, and how large they are."""
    if not found:
        return f"No runs in '{folder}'."
    names = ("run", "comparison", "matrix", "study")
    counts = [sum(each.kind == kind for each in found) for kind in names]
    plural = {"matrix": "matrices", "study": "studies"}
    said = [
        f"{count:,} {name if count == 1 else plural.get(name, name + 's')}"
        for count, name in zip(counts, names, strict=True)
        if count
    ]
    runs = [each for each in found if each.kind == "run"]
    states = {state: sum(each.state == state for each in runs) for state in ("running", "cut", "damaged")}
    more = [f"{count:,} {state}" for state, count in states.items() if count]
    size = sum(each.bytes for each in found if each.inside is None)
    return f"{', '.join(said)} in {folder}{': ' + ', '.join(more) if more else ''}; {sized(size)} in all."


def what(found: "Found") -> str:
    """Experiment, preset and seed."""
    parts = [found.experiment or "unknown", found.preset, "" if found.seed is None else f"seed {found.seed}"]
    kind = "" if found.kind == "run" else f"{found.kind} of "
    return kind + ", ".join(part for part in parts if part)


def updates(found: "Found") -> str:
    """That are done, of how many."""
    of = "" if found.planned is None else f" of {found.planned:,}"
    return f"{found.updates:,}{of} updates"


def options(differ: Mapping[str, Any]) -> str:
    """The first few of them."""
    shown = [f"{name}={value}" for name, value in list(differ.items())[:MOST_OPTIONS]]
    more = len(differ) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more > 0 else "")


def date(found: "Found") -> str:
    """When it changed, local time."""
    return datetime.datetime.fromtimestamp(found.changed).strftime("%Y-%m-%d %H:%M")


def row(each: "Found", differ: "Differ", verdict: "Verdict | None", *, folder: Path, link: str) -> "IndexRow":
    """One of what was found in `folder`, as a row of the page.

    **Arguments:**

    - `each`: a run, a comparison or a matrix.
    - `differ`: by folder, the options in which it differs from others.
    - `verdict`: its own.
    - `folder`: that was looked through.
    - `link`: to its page; empty: none.
    """
    from vestige.report.index_page import IndexRow

    return IndexRow(
        name=str(each.path.relative_to(folder)),
        link=link,
        state=each.state,
        what=what(each),
        options=options(differ.get(each.path) or (each.options if each.kind != "run" else {})),
        verdict=each.fault or (verdict.sentence if verdict else ""),
        caveats=verdict.caveats if verdict else (),
        updates=updates(each).removesuffix(" updates"),
        cost=f"{duration(each.seconds)}, {sized(each.bytes)}",
        date=date(each),
        member=each.inside is not None,
    )


def write_index(found: "list[Found]", differ: "Differ", verdicts: "Verdicts", out: Path, folder: Path) -> Path:
    """Write the page to `out`, with links to the pages that exist.

    **Arguments:**

    - `found`, `differ`: of `vestige.runs.overview`.
    - `verdicts`: by folder.
    - `out`: the file.
    - `folder`: that was looked through.

    **Returns:** `out`.
    """
    from vestige.report.index_page import write_index

    def link(each: "Found") -> str:
        page = each.path / PAGE
        return quote(os.path.relpath(page, out.parent)) if page.is_file() else ""

    rows = [row(each, differ, verdicts[each.path], folder=folder, link=link(each)) for each in found]
    return write_index(rows, out, folder=folder, sentence=sentence_of(found, folder))


def live_index(folder: Path, refresh: int) -> str:
    """The page of a `folder` of runs, which is loaded again after `refresh` seconds, with links to the pages that are
    made when they are opened."""
    from vestige.report.index_page import index_page
    from vestige.runs.overview import differing, overview

    found = overview(folder)
    differ = differing(found)
    links = {each.path: quote(str(each.path.relative_to(folder) / PAGE)) for each in found if each.path != folder}
    rows = [
        row(each, differ, verdict_in(each.path), folder=folder, link=links[each.path])
        for each in found
        if each.path in links
    ]
    return index_page(rows, folder=folder, sentence=sentence_of(found, folder), refresh=refresh)
