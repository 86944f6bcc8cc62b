"""Whether tuning was worth it: the best trial beside the default options, and what weakens that."""

from vestige.report.answers import Answer, Verdict
from vestige.report.files import mapping
from vestige.report.numbers import format_alike, format_number, number
from vestige.report.study import Study, Tried


def study_verdict(study: Study) -> Verdict:
    """The verdict of a `study`."""
    best, default = study.best, study.default
    if best is None:
        failed = sum(each.state == "fail" for each in study.trials)
        why = f"; {failed} failed" if failed else ""
        return Verdict(f"No trial of {len(study.trials)} has a result{why}.", _caveats(study), _answers(study))
    return Verdict(_sentence(study, best, default), _caveats(study), _answers(study), (study.repeat(best),))


def _sentence(study: Study, best: Tried, default: Tried | None) -> str:
    name, many = study.metric.label, f"{len(study.trials)} trial{'s' * (len(study.trials) > 1)}"
    if default is None or default.value is None or default.state != "complete":
        value = format_number(best.value)
        return f"{name} {value} in trial {best.number}, the best of {many}; the default options failed."
    if best.number == default.number:
        return f"None of {many} is better than the default options: {name} {format_number(default.value)}."
    ours, theirs = format_alike([best.value, default.value])
    return (
        f"{name} {ours} in trial {best.number}, the best of {many}, and {theirs} with the default options: "
        f"{_gain(best, default)}."
    )


def _gain(best: Tried, default: Tried) -> str:
    difference = abs((best.value or 0.0) - (default.value or 0.0))
    part = f", {difference / abs(default.value):.0%} of it" if default.value else ""
    return f"better by {format_number(difference)}{part}"


def _caveats(study: Study) -> tuple[str, ...]:
    found = []
    if len(study.complete) > 1 and study.best != study.default:
        found.append(
            f"The best of {len(study.complete)} on the same held-out data and one seed is optimistic: part of the gain "
            "is chance. Repeat it with new seeds before you claim it."
        )
    if "nothing unseen is left" in str(study.results.get("chosen_on")):
        found.append("Settings were chosen on the data they are reported on.")
    return tuple(found)


def _answers(study: Study) -> tuple[Answer, ...]:
    best, default = study.best, study.default
    states = [each.state for each in study.trials]
    words = {"complete": "went to the end", "pruned": "were ended early", "fail": "failed", "running": "were cut"}
    counted = [f"{states.count(state)} {said}" for state, said in words.items() if states.count(state)]
    found = [
        Answer("On which data were trials compared?", f"On {study.results.get('chosen_on')}."),
        Answer("How many trials?", f"{len(states)}: {', '.join(counted) or 'none'}."),
    ]
    if best is not None and default is not None:
        better = best.number != default.number
        options = ", ".join(f"{name} {format_value(value)}" for name, value in study.options_of(best).items())
        found.insert(0, Answer("Which options are best?", f"{options}." if better else "The default ones.", better))
    if importance := mapping(study.results.get("importance")):
        first = max(importance, key=lambda name: number(importance[name]) or 0.0)
        share = number(importance[first]) or 0.0
        found.append(Answer("What mattered?", f"{first} explains {share:.0%} of the variance between trials."))
    return tuple(found)


def format_value(value: object) -> str:
    """The value of an option, as a table shows it."""
    return format_number(value) if isinstance(value, float) else "none" if value is None else str(value)
