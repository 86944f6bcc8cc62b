"""`vestige runs [FOLDER]`, `vestige runs prune [FOLDER]`."""

import contextlib
import dataclasses
import datetime
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import tyro
from rich.console import Console

from vestige.cli.folders import looked_through, sized
from vestige.cli.parse import simple
from vestige.cli.voice import Voice
from vestige.errors import VestigeError
from vestige.training.pace import duration

if TYPE_CHECKING:
    from vestige.report.answers import Verdict
    from vestige.runs.overview import Found

MOST_OPTIONS = 6


@dataclasses.dataclass(frozen=True)
class RunsSettings(Voice):
    """Where to look."""

    folder: tyro.conf.Positional[Path] = Path()
    """A folder that holds runs; by default runs/, else the present one."""
    all: bool = False
    """Also list the single runs of comparisons."""
    html: Path | None = None
    """Also write an index page to this file, with links to the pages of the runs."""


def main(arguments: list[str]) -> int:
    """List every run, comparison and matrix below a folder, newest first, or prune them."""
    if arguments[:1] == ["prune"]:
        from vestige.cli.prune import main as prune

        return prune(arguments[1:])
    says = "Every run, comparison and matrix below a folder: verdict, what differs, state, updates, time and size."
    settings = simple("runs", f"{says}\n\nvestige runs prune removes old checkpoints.", RunsSettings, arguments)
    settings.listen()
    from vestige.runs.overview import differing, overview

    folder = looked_through(settings.folder)
    found = overview(folder)
    differ = differing(found)
    verdicts = {each.path: _verdict(each) for each in found if settings.all or settings.json or each.inside is None}
    shown = [each for each in found if each.path in verdicts]
    if settings.html is not None:
        settings.note(f"index: {_index(shown, differ, verdicts, settings.html, folder)}")
    if settings.json:
        runs = [_plain(each, differ.get(each.path, {}), verdicts[each.path]) for each in shown]
        settings.print_json({"folder": str(folder), "runs": runs})
        return 0
    console = Console(highlight=False)
    for each in shown:
        if settings.quiet:
            print(f"{each.state:<8}  {each.path}")
        else:
            _show(console, each, differ.get(each.path, {}), verdicts[each.path])
    settings.note(_sentence(found, folder))
    return 0


def _verdict(found: "Found") -> "Verdict | None":
    from vestige.report.verdict import verdict_of

    with contextlib.suppress(VestigeError, OSError):
        return verdict_of(found.path)
    return None


def _sentence(found: "list[Found]", folder: Path) -> str:
    if not found:
        return f"No runs in '{folder}'."
    counts = [sum(each.kind == kind for each in found) for kind in ("run", "comparison", "matrix")]
    names = ("run", "comparison", "matrix")
    plural = {"matrix": "matrices"}
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


def _what(found: "Found") -> str:
    parts = [found.experiment or "unknown", found.preset, "" if found.seed is None else f"seed {found.seed}"]
    kind = "" if found.kind == "run" else f"{found.kind} of "
    return kind + ", ".join(part for part in parts if part)


def _updates(found: "Found") -> str:
    of = "" if found.planned is None else f" of {found.planned:,}"
    return f"{found.updates:,}{of} updates"


def _options(differ: dict[str, Any]) -> str:
    shown = [f"{name}={value}" for name, value in list(differ.items())[:MOST_OPTIONS]]
    more = len(differ) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more > 0 else "")


def _date(found: "Found") -> str:
    return datetime.datetime.fromtimestamp(found.changed).strftime("%Y-%m-%d %H:%M")


def _show(console: Console, found: "Found", differ: dict[str, Any], verdict: "Verdict | None") -> None:
    width, indent = max(console.width - 1, 20), "  " if found.inside is None else "    "
    differ = differ or (dict(found.options) if found.kind != "run" else {})
    name = f"{indent[2:]}{found.path}"
    console.print(f"{name}  {found.state}", style="bold", markup=False, soft_wrap=True)
    lines = [f"{_what(found)}; {_updates(found)}; {duration(found.seconds)}; {sized(found.bytes)}; {_date(found)}"]
    lines += [_options(differ)] if differ else []
    lines += [found.fault] if found.fault else []
    if verdict is not None and verdict.sentence:
        lines += [verdict.sentence, *(f"({caveat})" for caveat in verdict.caveats[:1])]
    for line in lines:
        wrapped = textwrap.wrap(
            line, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        console.print("\n".join(wrapped), markup=False, soft_wrap=True)


def _plain(found: "Found", differ: dict[str, Any], verdict: "Verdict | None") -> dict[str, Any]:
    plain = dataclasses.asdict(found)
    plain |= {"path": str(found.path), "inside": None if found.inside is None else str(found.inside)}
    return {**plain, "differing": differ, "verdict": None if verdict is None else verdict.as_plain()}


def _index(
    found: "list[Found]",
    differ: dict[Path, dict[str, Any]],
    verdicts: "dict[Path, Verdict | None]",
    out: Path,
    folder: Path,
) -> Path:
    from vestige.report.index_page import IndexRow, write_index

    def row(each: "Found") -> IndexRow:
        verdict, page = verdicts[each.path], each.path / "report.html"
        link = quote(os.path.relpath(page, out.parent)) if page.is_file() else ""
        return IndexRow(
            name=str(each.path.relative_to(folder)),
            link=link,
            state=each.state,
            what=_what(each),
            options=_options(differ.get(each.path) or (dict(each.options) if each.kind != "run" else {})),
            verdict=each.fault or (verdict.sentence if verdict else ""),
            caveats=verdict.caveats if verdict else (),
            updates=_updates(each).removesuffix(" updates"),
            cost=f"{duration(each.seconds)}, {sized(each.bytes)}",
            date=_date(each),
            member=each.inside is not None,
        )

    return write_index([row(each) for each in found], out, folder=folder, sentence=_sentence(found, folder))
