"""The page of a comparison."""

from pathlib import Path
from urllib.parse import quote

from vestige.report.comparison import Comparison, Member, read_comparison
from vestige.report.comparison_table import metric_names, own_model, published_metrics, rows
from vestige.report.comparison_verdict import comparison_verdict
from vestige.report.files import REPORT, RESULTS, mapping
from vestige.report.member_curves import member_curves
from vestige.report.metrics import metric
from vestige.report.numbers import MISSING, format_alike, number
from vestige.report.standing_plot import of_comparison
from vestige.report.templates import render


def comparison_page(folder: Path) -> str:
    """The page of the comparison in `folder`, as text."""
    comparison = read_comparison(folder)
    results = comparison.results
    names = metric_names(comparison)
    return render(
        "comparison.html",
        title=str(results.get("title") or folder.name),
        verdict=comparison_verdict(comparison),
        standing=of_comparison(comparison),
        sentence=_sentence(comparison),
        levels=_levels(comparison, names),
        metrics=[metric(name) for name in names],
        table=rows(comparison),
        others=_others(comparison, names),
        source=_stated(comparison, "source"),
        note=_stated(comparison, "note"),
        curves=member_curves(comparison),
        runs=[(member.name, _links(member)) for member in comparison.members if member.paths],
        command=results.get("command"),
        versions=[(name, str(version)) for name, version in mapping(results.get("versions")).items()],
        files=[RESULTS],
        notes=list(comparison.notes),
    )


def _sentence(comparison: Comparison) -> str:
    """What this is, in one plain sentence."""
    count, vary = len(comparison.members), comparison.results.get("vary")
    seeds = sorted({len(member.paths) for member in comparison.members if member.paths})
    text = f"{count} member{'s' if count != 1 else ''} of a comparison"
    text += f" that differ in {vary} alone" if vary else ""
    if seeds:
        many = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        text += f", each trained from {many} seed{'s' if seeds != [1] else ''}"
    return text + "."


def _others(comparison: Comparison, names: list[str]) -> list[tuple[str, list[float | None]]]:
    """What was published of models that none of the members corresponds to."""
    own = {own_model(member) for member in comparison.members}
    others: dict[str, list[float | None]] = {}
    for member in comparison.members:
        for model, values in published_metrics(member).items():
            if model not in own:
                others.setdefault(model, [number(values.get(name)) for name in names])
    return list(others.items())


def _levels(comparison: Comparison, names: list[str]) -> list[tuple[str, list[str]]]:
    """The best possible and chance, as a row each: a text for each metric, a range where the members differ."""
    found = []
    for level, heading in (("best", "Best possible"), ("chance", "Chance")):
        texts = [_level(comparison, name, level) for name in names]
        if any(texts):
            found.append((heading, [text or MISSING for text in texts]))
    return found


def _level(comparison: Comparison, name: str, level: str) -> str:
    bounds = [mapping(mapping(member.summary.get("bounds")).get(name)) for member in comparison.members]
    known = [value for bound in bounds if (value := number(bound.get(level))) is not None]
    if not known:
        return ""
    low, high = format_alike([min(known), max(known)])
    return low if low == high else f"{low} to {high}"


def _stated(comparison: Comparison, name: str) -> str | None:
    given = [mapping(member.summary.get("published")).get(name) for member in comparison.members]
    return next((str(text) for text in given if text), None)


def _links(member: Member) -> list[tuple[str, str]]:
    return [(path, f"./{quote(path.strip('/'))}/{REPORT}") for path in member.paths]
