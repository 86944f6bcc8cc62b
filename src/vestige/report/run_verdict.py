"""The verdict on one run."""

from collections.abc import Sequence

from vestige.report.answers import Answer, Verdict
from vestige.report.convergence import Convergence, convergence
from vestige.report.course import by_training
from vestige.report.files import mapping
from vestige.report.headline import headline, planned
from vestige.report.metric_facts import Metric
from vestige.report.metrics import lower_is_better, metric
from vestige.report.numbers import format_alike, format_bytes, format_count, format_number, format_seconds, number
from vestige.report.results_table import NOT_FINITE, ResultRow, rows
from vestige.report.run import Run
from vestige.report.standing import Standing, interval

BEYOND = 1.02  # of the way from chance to the best possible: more than a bound that was itself measured may err
USES = {
    "predict": "vestige predict RUN DATA --out FILE",
    "forecast": "vestige forecast RUN DATA --horizon H --out FILE",
    "score": "vestige score RUN DATA --out FILE",
    "complete": "vestige complete RUN DATA --out FILE",
    "sample": "vestige sample RUN",
    "evaluate": "vestige evaluate RUN",
    "export": "vestige export RUN --out FOLDER",
}
"""What is typed to use a run, by command; RUN is its folder."""


def run_verdict(run: Run) -> Verdict:
    """The verdict on a run that has been read."""
    name = headline(run)
    row = next((row for row in rows(run) if row.name == name), None) if name else None
    if row is None:
        return Verdict("", tuple(_caveats(run, None)), tuple(_made(run)), _commands(run))
    about = metric(row.name)
    lower = lower_is_better(row.name, {"best": row.best, "chance": row.chance})
    measured = None if lower is None else convergence(run.curve("evaluate", row.name), lower=lower, updates=run.updates)
    standing = _standing(run, row, lower, measured)
    trained = measured or by_training(run)
    said = run.fit.get("sentence")
    sentence = said if isinstance(said, str) and said else _sentence(row, about, standing)
    compared = () if said else _compared(row, about, standing, run.running)
    answers = (*compared, _long_enough(run, trained), _sure(run, row, measured), *_published(run, row), *_made(run))
    caveats = (*_beyond(standing), *_caveats(run, trained))
    return Verdict(sentence, caveats, answers, _commands(run))


def _standing(run: Run, row: ResultRow, lower: bool | None, measured: Convergence | None) -> Standing | None:
    """How the value stands. Its range is that of the evaluations at the end of training; where these were too few, that
    which follows from the number of examples, if it is a part of them."""
    if row.ours is None or lower is None:
        return None
    low, high = (measured.low, measured.high) if measured else _interval(run, metric(row.name), row.ours)
    return Standing(row.ours, lower, row.best, row.chance, row.baselines, low, high)


def _interval(run: Run, about: Metric, value: float) -> tuple[float, float] | tuple[None, None]:
    size = _eval_size(run)
    return interval(value, size) if about.proportion and size and 0 <= value <= 1 else (None, None)


def _eval_size(run: Run) -> int | None:
    options = run.config.get("all_options")
    size = options.get("eval_size") if isinstance(options, dict) else None
    return size if isinstance(size, int) and size > 0 else None


def quality(standing: Standing) -> str:
    """A few words on how good it is; empty where it is compared with nothing."""
    chance, strongest = standing.beats_chance, standing.strongest
    if standing.chance is not None and standing.chance not in standing.baselines.values() and not chance:
        if chance is False:
            return "Worse than chance"
        return "Not clearly better than chance" if standing.gain(standing.chance) > 0 else "No better than chance"
    if strongest is not None:
        better = standing.beats(strongest[1])
        if better is None:
            return f"No clear difference from {strongest[0]}"
        if not better:
            return f"Worse than {strongest[0]}"
        if not standing.near_best:
            return f"Better than {strongest[0] if len(standing.baselines) == 1 else 'every baseline'}"
    if standing.near_best:
        return "Near the best possible"
    return "Better than chance" if chance else ""


def _sentence(row: ResultRow, about: Metric, standing: Standing | None) -> str:
    if row.undefined:
        return f"{about.label} is no finite number ({NOT_FINITE}): training or evaluation went wrong."
    texts, unit = row.texts, f" {about.unit}" if about.unit else ""
    parts = [f"{who} {texts[who]}" for who in row.baselines]
    if row.chance is not None and row.chance not in row.baselines.values():
        parts.append(f"chance {texts['chance']}")
    if row.best is not None:
        parts.append(f"best possible {texts['best']}")
    beside = f" ({'; '.join(parts)})" if parts else ""
    words = quality(standing) if standing is not None else ""
    return f"{words + '. ' if words else ''}{about.label}: {texts['ours']}{unit}{beside}."


def _compared(row: ResultRow, about: Metric, standing: Standing | None, running: bool) -> Sequence[Answer]:
    """How the value stands to chance, the baselines and the best possible."""
    if standing is None:
        return ()
    texts, found = row.texts, []
    unit = f" {about.unit}" if about.unit else ""
    if standing.chance is not None and standing.chance not in standing.baselines.values():
        text = f"{_yes(standing.beats_chance)}: {texts['ours']} against {texts['chance']}{unit}."
        found.append(Answer("Beats chance?", text, standing.beats_chance is True))
    if standing.baselines:
        listed = ", ".join(f"{who} {texts[who]}" for who in standing.baselines)
        text = f"{_yes(standing.beats_baselines)}: {texts['ours']}{unit} against {listed}."
        found.append(Answer("Beats a baseline?", text, standing.beats_baselines is True))
    else:
        found.append(
            Answer(
                "Beats a baseline?",
                f"Not known: {'that is measured at the end' if running else 'none was measured on these data'}.",
            )
        )
    if row.best is not None:
        share, ideal = standing.share, f"{texts['ours']}, the best possible is {texts['best']}"
        way = f": {max(-9.99, share):.1%} of the way from chance" if share is not None and share < 0.9995 else ""
        good = None if share is None else standing.near_best
        found.append(Answer("Near the best?", f"{'Yes: ' if good else ''}{ideal}{way}.", good))
    return found


def _yes(better: bool | None) -> str:
    return "Yes" if better else "No" if better is False else "Not clearly"


def _long_enough(run: Run, trained: Convergence | None) -> Answer:
    """Whether more updates would help, by the last quarter of them."""
    question = "Trained enough?"
    asked, preset = planned(run)
    of = asked if run.running else None if run.fit else preset
    made = format_count(run.updates)
    counted = f"{made} updates" if of is None or of == run.updates else f"{made} of {format_count(of)} updates"
    if trained is None:
        return Answer(question, f"Not known: evaluated too seldom ({counted}).")
    change = (
        "still getting better" if trained.improving else "getting worse" if trained.worsening else "no clear change"
    )
    text = f"{counted}; {change} in the last quarter."
    if of is not None and run.updates is not None and run.updates < of / 2:
        return Answer(question, f"Hardly: {text}", False)
    word = "No" if trained.improving else "Too long" if trained.worsening else "Yes"
    return Answer(question, f"{word}: {text}", word == "Yes")


def _sure(run: Run, row: ResultRow, measured: Convergence | None) -> Answer:
    """How far another evaluation, or another seed, would differ."""
    if run.fit:
        return Answer("How sure?", "One seed; compared on the held-out rows of the file.")
    about, size = metric(row.name), _eval_size(run)
    examples = f"{format_count(size)} held-out examples" if size else ""
    on = f" on {examples}" if examples else ""
    unit = f" {about.unit}" if about.unit else ""
    if measured is not None:
        low, high = format_alike([measured.low, measured.high])
        known = f"evaluations{on} in the last quarter of training lie between {low} and {high}{unit}"
    elif row.ours is not None and None not in (ends := _interval(run, about, row.ours)):
        low, high = format_alike(ends)
        known = f"95% interval {low} to {high}, if each of {examples} counts once"
    else:
        known = f"evaluated once{on}, with an error that is not known"
    return Answer("How sure?", f"One seed; {known}. --seeds 3 shows how far seeds differ.")


def _published(run: Run, row: ResultRow) -> Sequence[Answer]:
    theirs = {model: value for model, value in row.published.items() if value is not None}
    if not theirs:
        return ()
    listed = ", ".join(f"{model} {format_number(value)}" for model, value in theirs.items())
    alike = metric(row.name).alike
    when = f"They compare where both have {alike}" if alike else "Whether they compare"
    return (Answer("As published?", f"{listed}. {when}: see the note below the results.", None),)


def _made(run: Run) -> Sequence[Answer]:
    """What it cost."""
    peak, parameters = number(run.stated("peak_rss_bytes")), run.config.get("parameters")
    cost = [
        format_seconds(run.seconds) if run.seconds is not None else "",
        str(run.stated("device") or ""),
        f"{format_count(parameters)} parameters" if parameters is not None else "",
        f"{format_bytes(peak)} of memory" if peak is not None else "",
    ]
    return (Answer("What did it cost?", "; ".join(part for part in cost if part) + "."),) if any(cost) else ()


def _beyond(standing: Standing | None) -> Sequence[str]:
    """What is said of a value that cannot be: better than the best possible by more than an estimate of it may err."""
    if standing is None or standing.share is None or standing.share <= BEYOND:
        return ()
    return ("The value is better than the best possible: it, or that bound, was measured wrongly.",)


def _commands(run: Run) -> tuple[str, ...]:
    """What is typed to use the run, as it was noted at its end."""
    uses = run.stated("uses")
    return tuple(USES[use] for use in uses if use in USES) if isinstance(uses, list) else ()


def _caveats(run: Run, trained: Convergence | None) -> Sequence[str]:
    found = []
    asked, preset = planned(run)
    if run.running:
        of = f" of {format_count(asked)}" if asked else ""
        made = f"{format_count(run.updates or 0)}{of} updates are made"
        more = "it was cut short; the same command with --resume goes on" if run.cut else "the run is still going on"
        found.append(f"{made}: {more}.")
    elif isinstance(stopped := (run.results or {}).get("stopped"), str) and stopped:
        found.append(f"{stopped[:1].upper()}{stopped[1:]}.")
    elif preset and not run.fit and run.updates is not None and run.updates < preset:
        found.append(f"Only {format_count(run.updates)} of the {format_count(preset)} updates of the preset were made.")
    if mapping(run.config.get("all_options")).get("patience"):
        found.append(
            "The model was chosen among the evaluations on held-out examples, so that its value may be too good."
        )
    if trained is not None and trained.improving and not run.running:
        found.append("It was still getting better when training ended; more --steps are likely to help.")
    if trained is not None and trained.worsening and not run.running:
        found.append("It was getting worse when training ended; a lower --optimiser.rate or fewer --steps may help.")
    skipped = number((run.results or {}).get("skipped"))
    if skipped:
        found.append(f"{format_count(skipped)} updates were left out, since they were not finite.")
    return found
