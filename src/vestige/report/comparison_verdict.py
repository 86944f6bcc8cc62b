"""The verdict on a comparison: who is ahead, and whether the seeds support it."""

from collections.abc import Sequence

from vestige.errors import UsageError
from vestige.registries import registry
from vestige.report.answers import Answer, Verdict
from vestige.report.comparison import Comparison, Member
from vestige.report.comparison_table import direction, metric_names, values_of
from vestige.report.convergence import convergence
from vestige.report.course import by_training
from vestige.report.files import mapping
from vestige.report.metric_facts import Metric
from vestige.report.metrics import metric
from vestige.report.numbers import format_alike, format_count, format_number, format_seconds, number
from vestige.report.ranking import LEAST_SEEDS, Ranking, ranking

ALIKE = 1.1  # times as many parameters or updates, from which on two members are not of the same size


def comparison_verdict(comparison: Comparison) -> Verdict:
    """The verdict on a comparison that has been read."""
    found = compared_by(comparison)
    if found is None:
        return Verdict("", tuple(_caveats(comparison, None)))
    about, lower = found
    ranks = ranking({member.name: values_of(member, about.name) for member in comparison.members}, lower=lower)
    chance = _chance(comparison, about, lower)
    answers = [
        Answer("Which is best?", _best(comparison, about, ranks), None),
        Answer("By enough seeds?", *_support(comparison, about, ranks)),
        *chance,
        *_data(comparison),
        *_trained(comparison, about, lower),
        *_cost(comparison),
    ]
    return Verdict(_sentence(comparison, about, ranks), tuple(_caveats(comparison, about)), tuple(answers))


def compared_by(comparison: Comparison) -> tuple[Metric, bool] | None:
    """The metric that counts, and whether less of it is better: the one that the task states, or else the first result
    with a direction; None where there is none."""
    names = metric_names(comparison)
    stated: list[str] = [
        str(run.config["metric"]) for m in comparison.members for run in m.runs if "metric" in run.config
    ]
    try:
        entry = registry("experiment").find(str(comparison.results.get("experiment")))
        stated.append(next(iter(entry.presets.values())).task.metric)
    except UsageError:
        pass
    for name in [*stated, *(name for name in names if metric(name).role == "result")]:
        lower = direction(comparison, name)
        if name in names and lower is not None:
            return metric(name), lower
    return None


def _spreads(comparison: Comparison, about: Metric, names: Sequence[str]) -> list[str]:
    """Each of these members with its median and its range."""
    by_name = {member.name: member for member in comparison.members}
    found = []
    for name in names:
        values = sorted(values_of(by_name[name], about.name))
        stated = mapping(mapping(by_name[name].summary.get("metrics")).get(about.name))
        median = number(stated.get("median")) if stated else values[0]
        texts = format_alike([median, values[0], values[-1]])
        ranged = f" ({texts[1]} to {texts[2]})" if len(values) > 1 else ""
        found.append(f"{name} {texts[0]}{ranged}")
    return found


def _sentence(comparison: Comparison, about: Metric, ranks: Ranking) -> str:
    unit = f", {about.unit}" if about.unit else ""
    order = [*ranks.leaders, *ranks.behind]
    if not order:
        return f"No member has a finite {about.label}: training or evaluation went wrong."
    shown = _spreads(comparison, about, order[:4])
    rest = f"; {len(order) - 4} more behind" if len(order) > 4 else ""
    numbers = f"{about.label}{unit}: {'; '.join(shown)}{rest}."
    if len(order) == 1:
        return numbers
    if ranks.winner:
        return f"{ranks.winner} is ahead. {numbers}"
    if _seeds(comparison, about) < LEAST_SEEDS:
        return f"No winner: {LEAST_SEEDS} seeds of each are needed. {numbers}"
    if not ranks.behind:
        return f"No winner: the seeds do not say which is better. {numbers}"
    return f"{_listed(ranks.leaders)} are ahead, and the seeds do not say which of them is better. {numbers}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _seeds(comparison: Comparison, about: Metric) -> int:
    """How many seeds the member with the fewest has."""
    return min((len(values_of(member, about.name)) for member in comparison.members), default=0)


def _best(comparison: Comparison, about: Metric, ranks: Ranking) -> str:
    if ranks.winner:
        return f"{_spreads(comparison, about, [ranks.winner])[0]}."
    if not ranks.leaders:
        return "None: no value is finite."
    first = _spreads(comparison, about, ranks.leaders[:1])[0]
    return f"Not settled; the best median is that of {first}."


def _support(comparison: Comparison, about: Metric, ranks: Ranking) -> tuple[str, bool | None]:
    seeds = _seeds(comparison, about)
    each = f"{seeds} seed{'' if seeds == 1 else 's'} of each"
    test = "rank-sum test, one-sided, 5%, each against the best median"
    if seeds < LEAST_SEEDS:
        return f"No: {each}; {LEAST_SEEDS} are the least that can. Pass --seeds {LEAST_SEEDS}.", False
    if ranks.winner:
        return f"Yes: {each}; {test}.", True
    if ranks.behind:
        return (
            f"In part: {_listed(ranks.behind)} {'is' if len(ranks.behind) == 1 else 'are'} behind; {each}; {test}.",
            None,
        )
    return f"No: {each}; {test}.", False


def _chance(comparison: Comparison, about: Metric, lower: bool) -> Sequence[Answer]:
    worse, known = [], False
    for member in comparison.members:
        chance = number(mapping(mapping(member.summary.get("bounds")).get(about.name)).get("chance"))
        values = values_of(member, about.name)
        if chance is None or not values:
            continue
        known = True
        if (max(values) >= chance) if lower else (min(values) <= chance):
            worse.append(member.name)
    if not known:
        return ()
    text = f"Not with every seed: {_listed(worse)}." if worse else "Yes, each with every seed."
    return (Answer("Beats chance?", text, not worse),)


def _data(comparison: Comparison) -> Sequence[Answer]:
    """Whether the members were measured on the same data, and have the same size."""
    tasks = [_task_options(member) for member in comparison.members if member.runs]
    other = sorted({name for task in tasks for name in task if any(task.get(name) != rest.get(name) for rest in tasks)})
    found = []
    if tasks:
        text = (
            f"No: {_listed(other)} differ{'s' if len(other) == 1 else ''}."
            if other
            else "Yes: all options of the task are."
        )
        found.append(Answer("The same data?", text, not other))
    sizes = {m.name: s for m in comparison.members if (s := number(m.summary.get("parameters"))) is not None}
    if sizes:
        least, most = min(sizes.values()), max(sizes.values())
        same = most <= ALIKE * max(least, 1)
        counts = format_count(least) if least == most else f"{format_count(least)} to {format_count(most)}"
        found.append(Answer("The same size?", f"{'Yes' if same else 'No'}: {counts} parameters.", same))
    return found


def _task_options(member: Member) -> dict[str, object]:
    options = mapping(member.runs[0].config.get("all_options"))
    return {name: value for name, value in options.items() if name == "task" or name.startswith("task.")}


def _trained(comparison: Comparison, about: Metric, lower: bool) -> Sequence[Answer]:
    states = [
        (
            member.name,
            convergence(run.curve("evaluate", about.name), lower=lower, updates=run.updates) or by_training(run),
        )
        for member in comparison.members
        for run in member.runs
    ]
    known = [(name, state) for name, state in states if state is not None]
    if not known:
        return ()
    still = list(dict.fromkeys(name for name, state in known if state.improving))
    text = (
        f"Not all: {_listed(still)} still got better in the last quarter." if still else "Yes, by their last quarters."
    )
    return (Answer("Trained enough?", text, not still),)


def _cost(comparison: Comparison) -> Sequence[Answer]:
    times = {m.name: s for m in comparison.members if (s := number(mapping(m.summary.get("seconds")).get("median")))}
    if not times:
        return ()
    quick, slow = min(times, key=times.__getitem__), max(times, key=times.__getitem__)
    text = f"{quick} {format_seconds(times[quick])} a run"
    text += (
        f", {slow} {format_seconds(times[slow])} ({format_number(times[slow] / times[quick])} times)"
        if slow != quick
        else ""
    )
    return (Answer("What did it cost?", f"{text}.", None),)


def _caveats(comparison: Comparison, about: Metric | None) -> Sequence[str]:
    found = []
    updates = {m.name: u for m in comparison.members if (u := number(m.summary.get("updates"))) is not None}
    if updates and max(updates.values()) > ALIKE * min(updates.values()):
        counts = "; ".join(f"{name} {format_count(count)}" for name, count in updates.items())
        found.append(f"The members made different numbers of updates: {counts}.")
    for answer in _data(comparison):
        if answer.question == "The same data?" and not answer.good:
            found.append("The members were measured on different data: their values do not compare as they are.")
        elif answer.question == "The same size?" and not answer.good:
            found.append(f"The members differ in size: {answer.text.partition(': ')[2]}")
    if about is not None:
        for member in comparison.members:
            listed = mapping(mapping(member.summary.get("metrics")).get(about.name)).get("values")
            values = listed if isinstance(listed, list) else []
            if lost := sum(number(value) is None for value in values):
                found.append(f"{member.name}: {lost} of {len(values)} seeds have no finite {about.label}.")
    return found
