"""The page of a study, and the table of its trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from vestige.report.dots import Dots, dot_plot
from vestige.report.files import REPORT, mapping
from vestige.report.numbers import MISSING, format_number, format_seconds, number
from vestige.report.plot import COLOUR, NARROW, WIDE, Key, Plot, svg, words
from vestige.report.study import Study, Tried, read_study
from vestige.report.study_verdict import format_value, study_verdict
from vestige.report.templates import render
from vestige.storage.results import STUDY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAID = {"complete": "", "pruned": "ended early", "fail": "failed", "running": "cut"}


@dataclass(frozen=True)
class Row:
    """A trial as it stands in a table."""

    name: str
    value: str
    options: tuple[str, ...]
    updates: str
    time: str
    note: str
    link: str | None
    best: bool


def headings(study: Study) -> list[str]:
    """Of the table of trials."""
    return ["Trial", study.metric.label, *mapping(study.results.get("space")), "Updates", "Time", "Note"]


def trial_rows(study: Study) -> list[Row]:
    """The trials: finished ones, best first, then those that were ended early, then the others."""
    rest = [each for each in study.trials if each not in study.complete]
    rest.sort(key=lambda each: (list(SAID).index(each.state) if each.state in SAID else len(SAID), each.number))
    return [_row(study, each) for each in (*study.complete, *rest)]


def _row(study: Study, tried: Tried) -> Row:
    default, best = study.default, study.best
    options = study.options_of(tried)
    notes = [
        "default options" if default is not None and tried.number == default.number else "",
        SAID.get(tried.state, tried.state),
        tried.error,
    ]
    return Row(
        str(tried.number),
        MISSING if tried.value is None else format_number(tried.value),
        tuple(format_value(options.get(name)) for name in mapping(study.results.get("space"))),
        MISSING if tried.updates is None else f"{tried.updates:,}",
        MISSING if tried.seconds is None else format_seconds(tried.seconds),
        "; ".join(filter(None, notes)),
        f"./{quote(tried.page.strip('/'))}/{REPORT}" if tried.page else None,
        best is not None and tried.number == best.number,
    )


def study_page(folder: Path) -> str:
    """The page of the study in `folder`, as text."""
    study = read_study(folder)
    results = study.results
    versions = mapping(results.get("versions"))
    ranges = [(name, str(over)) for name, over in mapping(results.get("space")).items()]
    return render(
        "study.html",
        title=f"{results.get('title') or folder.name}: tuning",
        verdict=study_verdict(study),
        sentence=f"{len(study.trials)} trials of one experiment with other options; each is a run with the same seed.",
        headings=headings(study),
        rows=trial_rows(study),
        metric=study.metric,
        history=_history(study),
        importance=_importance(study),
        command=results.get("command"),
        facts=[(f"Searched: {name}", over) for name, over in ranges],
        versions=[(name, str(version)) for name, version in versions.items()],
        files=[STUDY],
        notes=[],
    )


def _history(study: Study) -> Plot | None:
    """The value of every trial in the order of their numbers, with the best up to each."""
    done = sorted(study.complete, key=lambda each: each.number)
    if not done:
        return None
    pruned = [each for each in study.trials if each.state == "pruned" and each.value is not None]
    choose = min if study.lower else max
    best = [choose(each.value or 0.0 for each in done[: place + 1]) for place in range(len(done))]

    def draw(axes: "Axes") -> None:
        from matplotlib.ticker import MaxNLocator

        style = {"linestyle": "none", "markeredgewidth": 0, "clip_on": False}
        axes.step([each.number for each in done], best, where="post", color=COLOUR["s1"], linewidth=2.0)
        axes.plot([e.number for e in done], [e.value or 0.0 for e in done], marker="o", color=COLOUR["s1"], **style)
        if pruned:
            x, y = [each.number for each in pruned], [each.value or 0.0 for each in pruned]
            axes.plot(x, y, marker="D", markersize=5, color=COLOUR["s8"], **style)
        if study.default is not None and study.default.value is not None:
            axes.axhline(study.default.value, color=COLOUR["muted"], linewidth=1.0, linestyle=(0, (4, 3)))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        words(axes, x="trial", y=study.metric.label)

    spoken = f"{study.metric.label} by trial; best {format_number(best[-1])} of {len(done)} that went to the end."
    keys = [Key("went to the end; line: the best so far", "s1")]
    keys += [Key("ended early, where it was then", "s8", "◆")] if pruned else []
    caption = f"{study.metric.explanation} Dashed: the default options.".strip()
    narrow, wide = (svg(f"history:{name}", spoken, draw, size) for name, size in (("narrow", NARROW), ("wide", WIDE)))
    return Plot(narrow, caption, tuple(keys), wide, "History")


def _importance(study: Study) -> Plot | None:
    """The part of the variance between trials that each option explains."""
    shares = _shares(mapping(study.results.get("importance")))
    if not shares:
        return None
    rows = [Dots(name, share) for name, share in sorted(shares.items(), key=lambda each: -each[1])]
    caption = "Part of the variance between finished trials that an option explains by itself (functional ANOVA)."
    return dot_plot("importance", "What mattered", "part of the variance", rows, [("none", 0.0)], caption)


def _shares(given: Mapping[str, object]) -> dict[str, float]:
    return {name: share for name, value in given.items() if (share := number(value)) is not None}
