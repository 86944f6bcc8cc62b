"""`vestige runs [FOLDER]`, `vestige runs prune [FOLDER]`."""

import dataclasses
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console

from vestige.cli.folders import looked_through, sized
from vestige.cli.index import date, options, sentence_of, updates, verdict_in, what, write_index
from vestige.cli.parse import simple
from vestige.cli.voice import Voice
from vestige.training.pace import duration

if TYPE_CHECKING:
    from vestige.report.answers import Verdict
    from vestige.runs.overview import Found


@dataclasses.dataclass(frozen=True)
class RunsSettings(Voice):
    """Where to look."""

    folder: tyro.conf.Positional[Path] = Path()
    """A folder that holds runs; by default runs/, else the present one."""
    all: bool = False
    """Also list the single runs of comparisons and studies."""
    html: Path | None = None
    """Also write an index page to this file, with links to the pages of the runs."""


def main(arguments: list[str]) -> int:
    """List every run, comparison, matrix and study below a folder, newest first, or prune them."""
    if arguments[:1] == ["prune"]:
        from vestige.cli.prune import main as prune

        return prune(arguments[1:])
    says = (
        "Every run, comparison, matrix and study below a folder: verdict, what differs, state, updates, time and size."
    )
    settings = simple("runs", f"{says}\n\nvestige runs prune removes old checkpoints.", RunsSettings, arguments)
    settings.listen()
    from vestige.runs.overview import differing, overview

    folder = looked_through(settings.folder)
    found = overview(folder)
    differ = differing(found)
    shown = [each for each in found if settings.all or settings.json or each.inside is None]
    verdicts = {each.path: verdict_in(each.path) for each in shown}
    if settings.html is not None:
        settings.note(f"index: {write_index(shown, differ, verdicts, settings.html, folder)}")
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
    settings.note(sentence_of(found, folder))
    return 0


def _show(console: Console, found: "Found", differ: dict[str, Any], verdict: "Verdict | None") -> None:
    width, indent = max(console.width - 1, 20), "  " if found.inside is None else "    "
    differ = differ or (dict(found.options) if found.kind != "run" else {})
    name = f"{indent[2:]}{found.path}"
    console.print(f"{name}  {found.state}", style="bold", markup=False, soft_wrap=True)
    lines = [f"{what(found)}; {updates(found)}; {duration(found.seconds)}; {sized(found.bytes)}; {date(found)}"]
    lines += [options(differ)] if differ else []
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
