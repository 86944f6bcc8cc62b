"""The page of one run."""

from pathlib import Path
from typing import Any

from vestige.report.arrays import misshapen
from vestige.report.files import ARRAYS, CONFIG, METRICS, RESULTS, mapping
from vestige.report.numbers import format_bytes, format_count, format_seconds, number
from vestige.report.results_table import rows
from vestige.report.run import Run, read_run
from vestige.report.run_verdict import run_verdict
from vestige.report.sections import shown_sections
from vestige.report.standing_plot import of_fit, of_run
from vestige.report.templates import flat, render

AGAIN = "vestige run RUN/config.yaml --out NEW"
"""What makes a run again from its configuration."""


def run_page(folder: Path, *, refresh: int | None = None) -> str:
    """The page of the run in `folder`, as text.

    **Arguments:**

    - `folder`: of the run.
    - `refresh`: seconds after which the browser is to load the page of a run that still goes on again; None: never.
    """
    run = read_run(folder)
    table = rows(run)
    sections, failed = shown_sections(run)
    found = run_verdict(run)
    lead = next((section for section in sections if section.name != "training"), None)
    config = run.config
    title = config.get("title") or config.get("experiment") or folder.name
    return render(
        "run.html",
        title=str(title),
        experiment=str(config.get("experiment") or ""),
        running=run.running,
        cut=run.cut,
        refresh=refresh if run.running and not run.cut else None,
        sentence=_sentence(run),
        verdict=found,
        standing=of_fit(run) if run.fit else of_run(run),
        lead=lead,
        compared=_compared(run),
        why=[str(text) for text in run.fit.get("why") or ()],
        table=table,
        models=list(table[0].published) if table else [],
        best=any(row.best is not None for row in table),
        chance=any(row.chance is not None for row in table),
        baseline=any(row.baseline is not None for row in table),
        source=run.published.get("source"),
        note=run.published.get("note"),
        sections=[section for section in sections if section is not lead],
        facts=_facts(run),
        versions=[(name, str(version)) for name, version in mapping(run.stated("versions")).items()],
        options=flat(mapping(config.get("all_options") or config.get("options") or {})),
        command=run.stated("command"),
        again=AGAIN if "options" in config and "schema" in config else "",
        files=[name for name in (CONFIG, METRICS, RESULTS, ARRAYS) if (folder / name).is_file()],
        notes=[*run.notes, *misshapen(run), *failed],
    )


def _sentence(run: Run) -> str:
    """What this is, in one plain sentence."""
    config = run.config
    which = [str(config["preset"]) + " preset"] if config.get("preset") else []
    which += [f"seed {config['seed']}"] if config.get("seed") is not None else []
    text = "One training run"
    text += f" of {config['subject']}" if config.get("subject") else ""
    text += f" on {config['experiment']}" if config.get("experiment") else ""
    text += f" ({', '.join(which)})" if which else ""
    if run.updates is not None:
        text += f": {format_count(run.updates)} updates" + (" so far" if run.running else "")
        text += f" in {format_seconds(run.seconds)}" if run.seconds is not None else ""
    return text + "."


def _compared(run: Run) -> dict[str, Any]:
    """The table of a comparison with those who need no training: title, headings, rows of texts."""
    found = mapping(run.fit.get("table"))
    rows = [[str(cell) for cell in row] for row in found.get("rows") or () if isinstance(row, list)]
    headings = [str(heading) for heading in found.get("headings") or ()]
    whole = bool(rows) and all(len(row) == 1 + len(headings) for row in rows)
    return {"title": str(found.get("title") or ""), "headings": headings, "rows": rows} if whole else {}


def _facts(run: Run) -> list[tuple[str, str]]:
    parameters = run.config.get("parameters")
    peak = number(run.stated("peak_rss_bytes"))
    facts = [
        ("Experiment", run.config.get("experiment")),
        ("Preset", run.config.get("preset")),
        ("Seed", run.config.get("seed")),
        ("Parameters", format_count(parameters) if parameters is not None else None),
        ("Updates", format_count(run.updates) if run.updates is not None else None),
        ("Time", format_seconds(run.seconds) if run.seconds is not None else None),
        ("Memory at most", format_bytes(peak) if peak is not None else None),
        ("Device", run.stated("device")),
        ("Begun", run.config.get("date")),
        ("Commit of Vestige", run.config.get("commit")),
        *_data(run),
    ]
    return [(name, str(value)) for name, value in facts if value is not None]


def _data(run: Run) -> list[tuple[str, str]]:
    """The files and data sets that were read, each with the beginning of its SHA-256."""
    records = run.config.get("data")
    found = []
    for record in records if isinstance(records, list) else ():
        stated = mapping(record)
        digests = stated.get("sha256")
        parts = digests if isinstance(digests, dict) else {"": digests}
        shown = ", ".join(f"{part} {str(digest)[:12]}".strip() for part, digest in parts.items() if digest)
        name = stated.get("dataset") or stated.get("path")
        if name:
            found.append(("Data", f"{name} (SHA-256 {shown}…)" if shown else str(name)))
    return found
