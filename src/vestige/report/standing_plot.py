"""Where the result of a run, or those of a comparison, lie between chance, baselines and the best possible."""

from vestige.report.comparison import Comparison
from vestige.report.comparison_table import values_of
from vestige.report.comparison_verdict import compared_by
from vestige.report.dots import Dots, dot_plot
from vestige.report.files import mapping
from vestige.report.headline import headline
from vestige.report.metrics import metric
from vestige.report.numbers import number
from vestige.report.plot import Plot
from vestige.report.results_table import rows
from vestige.report.run import Run

MOST = 12  # members drawn
FAR = 3.0  # spans of all values away from their middle, beyond which a level is not drawn: it would hide differences


def of_run(run: Run) -> Plot | None:
    """The headline of a run beside chance, baselines and the best possible; None where it is compared with nothing."""
    name = headline(run)
    row = next((row for row in rows(run) if row.name == name), None)
    if row is None or row.ours is None:
        return None
    others = [Dots(who, value, colour="s8") for who, value in row.baselines.items()]
    levels = _levels(row.chance if row.chance not in row.baselines.values() else None, row.best)
    if not others and not levels:
        return None
    ours = Dots("this run", row.ours, colour="s1")
    about = metric(row.name)
    return dot_plot("standing", about.label, about.unit, [ours, *others], levels, about.explanation)


def of_comparison(comparison: Comparison) -> Plot | None:
    """The metric that counts, of every member and seed; None where none has it."""
    found = compared_by(comparison)
    if found is None:
        return None
    about, lower = found
    values = {m.name: v for m in comparison.members if (v := values_of(m, about.name))}
    order = sorted(values, key=lambda name: _median(values[name]), reverse=not lower)[:MOST]
    if not order:
        return None
    summaries = [mapping(mapping(member.summary.get("bounds")).get(about.name)) for member in comparison.members]
    chance, best = (_shared([number(each.get(name)) for each in summaries]) for name in ("chance", "best"))
    best = about.best if best is None else best
    span = max(max(values[name]) for name in order) - min(min(values[name]) for name in order)
    middle = _median([_median(values[name]) for name in order])
    near = [level for level in _levels(chance, best) if not span or abs(level[1] - middle) <= FAR * span]
    drawn = [Dots(name, _median(values[name]), tuple(values[name])) for name in order]
    caption = f"{about.explanation} Large: median over seeds; small: each seed."
    return dot_plot("standing", about.label, about.unit, drawn, near, caption)


def _levels(chance: float | None, best: float | None) -> list[tuple[str, float]]:
    named = (("chance", chance), ("best possible", best))
    return [(name, value) for name, value in named if value is not None]


def _shared(values: list[float | None]) -> float | None:
    """A level that the members have in common, up to a hundredth; None where they differ or one lacks it."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return known[0] if max(known) - min(known) <= 0.01 * max(map(abs, known)) else None


def _median(values: list[float]) -> float:
    import statistics

    return statistics.median(values)
