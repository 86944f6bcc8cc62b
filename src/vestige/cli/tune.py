"""`vestige tune EXPERIMENT --trials N`."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from vestige.checks import COUNT, at_least, at_most
from vestige.cli.environment import set_up_compilation
from vestige.cli.parse import RunSettings, command_line, default_folder, parse
from vestige.cli.run import Counted, executor_of, how
from vestige.cli.spaces import space_of
from vestige.cli.tables import print_study
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.executors.local import LEAVING_SECONDS
from vestige.runs.folder import make, need_free
from vestige.runs.tuning.place import Place, need_optuna
from vestige.runs.tuning.study import Tuning, open_study, upcoming
from vestige.runs.tuning.summary import summarise
from vestige.runs.tuning.trial import Trial, carry_out
from vestige.storage.durable import sweep
from vestige.storage.locking import FolderLock

GENERATED = "held-out examples that the task generates; none of them is trained on"
WITHOUT = (
    "the held-out part of the data itself: this task has no part for choosing settings, so nothing unseen is left to "
    "confirm the choice on"
)


@dataclasses.dataclass(frozen=True)
class TuneSettings(RunSettings):
    """How many trials, of what, and where they are kept."""

    trials: int = 20
    """How many trials the study has in all; the first one has the default options."""
    space: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B: an option that is searched too, or its range; once for each. By
    default what the parts declare. An option that is given stays as it is."""
    pruner: Literal["median", "halving", "none"] = "median"
    """How trials are ended that promise little."""
    direction: Literal["auto", "lower", "higher"] = "auto"
    """Which way the metric is better; auto: as is known of it."""
    storage: str | None = None
    """The URL of a database that many machines share; by default a journal in the folder."""
    study: str | None = None
    """The name of the study in the database; by default that of the folder."""

    def __post_init__(self):
        super().__post_init__()
        at_least(self, 1, "trials")
        at_most(self, COUNT, "trials")
        if self.seeds > 1:
            raise ValueError(f"seeds must be 1, every trial has the same seed; got {self.seeds}. Repeat the best trial")
        if self.study is not None and self.storage is None:
            raise ValueError("study names one of several in a database: give --storage too, or leave it out")


def main(arguments: list[str]) -> int:
    """Search the options of an experiment: every trial is a run, the first with the default options."""
    invocation = parse("tune", arguments, TuneSettings)
    entry, settings = invocation.entry, invocation.settings
    settings.listen()
    need_optuna()
    space = space_of(invocation.experiment, settings.space, invocation.given, entry.name)
    experiment, chosen_on = compared_on(invocation.experiment, invocation.given)
    metric = experiment.task.metric
    tuning = Tuning(
        entry.name,
        experiment,
        space,
        metric,
        lower_of(metric, settings.direction),
        settings.seed,
        settings.trials,
        settings.pruner,
    )
    folder = settings.out or default_folder(f"{entry.name}-{settings.preset}-tuned", resume=settings.resume)
    need_free(folder, resume=settings.resume)
    place = Place.of(settings.storage, settings.study or folder.absolute().name, folder)
    make(folder)
    with FolderLock(folder, notice=settings.warn):
        sweep(folder)
        study = open_study(tuning, place)
        settings.note(f"{settings.trials} trials of {entry.name}, folder {folder}; compared on {chosen_on}")
        for name, over in space.items():
            settings.note(f"  {name}: {over}")
        about = {"title": entry.title, "preset": settings.preset, "chosen_on": chosen_on, "command": command_line()}
        try:
            _perform(tuning, place, study, settings, folder, longer="steps" in invocation.given)
        finally:
            results = summarise(tuning, place, study, folder, **about)
    return _shown(folder, results, settings)


def _perform(tuning: Tuning, place: Place, study: Any, settings: TuneSettings, folder: Path, *, longer: bool) -> None:
    """Carry out the trials, in turn with a display or several at once."""
    trials = upcoming(tuning, place, study, folder)
    arguments = how(dataclasses.replace(settings, resume=True), longer=longer)
    executor = executor_of(settings, folder, runs=settings.trials)
    if executor is None:
        for trial in trials:
            settings.note(f"\n{trial.folder.name}, of {settings.trials}: {_said(tuning, trial)}")
            perform_trial(trial, arguments | {"patience": LEAVING_SECONDS})
        return
    arguments |= {"patience": executor.patience, "progress": None}
    tasks: Iterator[Any] = ((trial.folder.name, (trial, arguments)) for trial in trials)
    executor.run(perform_trial, tasks, announce=Counted(settings.trials, settings.note))


def perform_trial(trial: Trial, arguments: dict[str, Any]) -> None:
    """One trial, in this process.

    **Arguments:**

    - `trial`: what is run.
    - `arguments`: what `execute` takes beside it.
    """
    set_up_compilation()
    carry_out(trial, arguments)


def _said(tuning: Tuning, trial: Trial) -> str:
    from vestige.report.numbers import format_number
    from vestige.runs.tuning.study import value_of

    values = {name: value_of(trial.experiment, name) for name in tuning.space}
    shown = {name: format_number(value) if isinstance(value, float) else str(value) for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def compared_on(experiment: Experiment, given: frozenset[str]) -> tuple[Experiment, str]:
    """The experiment whose evaluations decide between trials, and a phrase on the data they are made on.

    **Arguments:**

    - `experiment`: as it was typed.
    - `given`: dotted names of the options that were given: a part of the data that was chosen stays.

    **Returns:** the same experiment, evaluated on a part for choosing settings where its data have one.
    """
    task = experiment.task.for_choosing()
    if task is None:
        return experiment, WITHOUT if experiment.task.sources() else GENERATED
    if "task.held_out" in given:
        return experiment, f"the part of the data that --task.held-out names, {experiment.task.held_out}"  # pyright: ignore
    changed = [f.name for f in dataclasses.fields(task) if getattr(task, f.name) != getattr(experiment.task, f.name)]
    parts = ", ".join(f"{name} {getattr(task, name)}" for name in changed)
    said = f"the part of the data for choosing settings ({parts}); the test part stays unseen"
    return dataclasses.replace(experiment, task=task), said


def lower_of(metric: str, direction: str) -> bool:
    """Whether a lower value of a metric is better.

    **Arguments:**

    - `metric`: its name.
    - `direction`: lower, higher or auto.

    **Raises:** `UsageError` where that is not known.
    """
    known = registry("metric")
    found = known[metric].direction if direction == "auto" and metric in known else direction
    if found not in ("lower", "higher"):
        raise UsageError(f"it is not known which way {metric} is better; pass --direction lower or higher")
    return found == "lower"


def _shown(folder: Path, results: dict[str, Any], settings: TuneSettings) -> int:
    from vestige.report import write_report
    from vestige.report.verdict import verdict_of

    for each in results["trials"]:
        if each["state"] in ("complete", "pruned") and not Path(each["folder"]).is_absolute():
            write_report(folder / each["folder"])
    page = write_report(folder)
    if settings.json:
        where = {"folder": str(folder), "report": str(page)}
        settings.print_json({**where, "verdict": verdict_of(folder).as_plain(), **results})
        return 0
    print_study(folder)
    print(f"report: {page}")
    return 0
