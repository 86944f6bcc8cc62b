"""`vestige run EXPERIMENT`."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige.cli.environment import data_mesh, set_up_compilation
from vestige.cli.joining import Joining, joined
from vestige.cli.parse import RunSettings, command_line, default_folder, parse
from vestige.cli.tables import print_comparison, print_results
from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.comparison import Planned, compare
from vestige.runs.config_file import write_config_file
from vestige.runs.executors.contract import AbstractExecutor
from vestige.runs.executors.local import LEAVING_SECONDS
from vestige.runs.executors.naming import executor_on, is_named
from vestige.storage.results import RESULTS, read_results
from vestige.training.external.naming import check_sinks
from vestige.training.pace import duration

if TYPE_CHECKING:
    from vestige.training.team import AbstractTeam

MOST = 8
"""Runs at a time, unless more are requested: each needs about a gigabyte."""


@dataclasses.dataclass(frozen=True)
class SingleRunSettings(Joining, RunSettings):
    """Where and how one experiment is run, beside what."""

    save_config: Path | None = None
    """Write the options to this .yaml file, for vestige run FILE, and train nothing."""

    def __post_init__(self):
        super().__post_init__()
        self.check()
        if self.coordinator is not None and self.seeds > 1:
            raise ValueError(f"several processes make one run of one seed: got coordinator, and seeds={self.seeds}")
        if self.coordinator is not None and self.devices is not None:
            raise ValueError(
                "several processes spread each batch over all of their devices: got coordinator, and "
                f"devices={self.devices}; leave devices out"
            )


def how(settings: RunSettings, *, longer: bool) -> dict[str, Any]:
    """The arguments of `execute` beside the experiment.

    **Arguments:**

    - `settings`: the options of the command.
    - `longer`: whether the number of updates was given.
    """
    check_sinks(settings.sink)
    set_up_compilation()
    return {
        "preset": settings.preset,
        "command": command_line(),
        "resume": settings.resume,
        "longer": longer,
        "init_from": settings.init_from,
        "skip_nonfinite": settings.on_nonfinite == "skip",
        "mesh": data_mesh(settings.devices),
        "progress": settings.progress,
        "sinks": settings.sink,
    }


def performer(settings: RunSettings, folder: Path, *, longer: bool) -> Callable[[list[Planned]], None]:
    """How the plan of a comparison is carried out: in turn with a display, or several runs at once.

    **Arguments:**

    - `settings`: the options of the command.
    - `folder`: of the comparison.
    - `longer`: whether the number of updates was given.

    **Returns:** a function of the plan, for `compare`.
    """

    def perform(plan: list[Planned]) -> None:
        names = {str(planned.folder.relative_to(folder)): planned for planned in plan}
        executor = executor_of(settings, folder, runs=len(plan))
        if executor is not None:
            arguments = how(settings, longer=longer) | {"patience": executor.patience, "progress": None}
            arguments["resume"] = True  # the folder of all is free, or is gone on with; a lost run is begun again
            whole = {name: planned._replace(folder=planned.folder.absolute()) for name, planned in names.items()}
            tasks = [(name, (planned, arguments)) for name, planned in whole.items()]
            executor.run(perform_one, tasks, announce=Counted(len(plan), settings.note))
            return
        arguments = how(settings, longer=longer) | {"patience": LEAVING_SECONDS}
        for number, (name, planned) in enumerate(names.items(), 1):
            settings.note(f"\n{name}, run {number} of {len(plan)}")
            perform_one(planned, arguments)

    return perform


def executor_of(settings: RunSettings, folder: Path, *, runs: int) -> AbstractExecutor | None:
    """What carries out several runs, of which it says how many go on at once; None where they go on in turn, in this
    process.

    **Arguments:**

    - `settings`: the options of the command.
    - `folder`: in which the runs have their folders.
    - `runs`: how many there are.

    **Raises:** `UsageError` for a cluster where Dask is not installed.
    """
    if is_named(settings.on):
        settings.note(f"{runs} runs, on {settings.on}")
        return executor_on(settings.on, folder, jobs=settings.jobs and min(settings.jobs, runs))
    jobs = min(_jobs(settings), runs)
    if jobs < 2:
        return None
    settings.note(f"{runs} runs, {jobs} at a time")
    return executor_on(settings.on, folder, jobs=jobs)


class Counted:
    """Announces runs that go on at once, with how many are done and how long the others will take.

    **Arguments:**

    - `runs`: how many there are.
    - `say`: receives a line.
    """

    def __init__(self, runs: int, say: Callable[[str], None]):
        self.runs, self.say = runs, say
        self.done, self.began = 0, time.monotonic()

    def __call__(self, text: str) -> None:
        """`text` is announced: "NAME: begun" or "NAME: done"."""
        if not text.endswith(": done"):
            self.say(text)
            return
        self.done += 1
        left = (self.runs - self.done) * (time.monotonic() - self.began) / self.done
        self.say(f"{text}, {self.done} of {self.runs}" + (f", left about {duration(left)}" if left else ""))


def perform_one(planned: Planned, arguments: dict[str, Any]) -> None:
    """One run of a comparison, in this process.

    **Arguments:**

    - `planned`: the run.
    - `arguments`: what `execute` takes beside it, of `how`.
    """
    from vestige.runs.execution import execute

    set_up_compilation()
    execute(
        registry("experiment").find(planned.entry),
        planned.experiment,
        seed=planned.seed,
        folder=planned.folder,
        **arguments,
    )


def _jobs(settings: RunSettings) -> int:
    if settings.jobs is not None:
        return settings.jobs
    if settings.devices is not None:
        return 1
    import jax

    from vestige.runs.executors.starting import cores

    return min(len(cores()), MOST) if jax.default_backend() == "cpu" else 1


def main(arguments: list[str]) -> int:
    """Train, evaluate, print the results and write the report; several seeds make a comparison."""
    invocation = parse("run", arguments, SingleRunSettings)
    entry, experiment, settings = invocation.entry, invocation.experiment, invocation.settings
    settings.listen()
    if settings.save_config is not None:
        write_config_file(settings.save_config, entry, experiment, preset=settings.preset, seed=settings.seed)
        settings.note(f"{settings.save_config} holds the options; vestige run {settings.save_config} trains")
        return 0
    longer = "steps" in invocation.given
    if settings.seeds == 1 and is_named(settings.on):
        raise UsageError(f"--on {settings.on} is about several runs: give --seeds N too, or leave it out")
    if settings.seeds > 1:
        stem = f"{entry.name}-{settings.preset}-seeds"
        folder = settings.out or default_folder(stem, resume=settings.resume)
        return run_members(entry, {entry.name: experiment}, settings, vary="", folder=folder, longer=longer)
    with joined(settings) as team:
        return _run_one(entry, experiment, settings, team, longer=longer)


def _run_one(
    entry: Entry, experiment: Experiment, settings: SingleRunSettings, team: "AbstractTeam", *, longer: bool
) -> int:
    """One run, by all processes of a team; the leader prints and writes the report."""
    from vestige.report import write_report
    from vestige.runs.execution import execute

    if not team.leads:
        settings = dataclasses.replace(settings, quiet=True, json=False, verbose=False, sink=())
    default = lambda: str(default_folder(f"{entry.name}-{settings.preset}", resume=settings.resume))
    folder = settings.out or Path(team.shared(default))
    execute(entry, experiment, seed=settings.seed, folder=folder, team=team, **how(settings, longer=longer))
    if not team.leads:
        return 0
    page = write_report(folder)
    if settings.json:
        settings.print_json(document(folder, page))
        return 0
    print_results(folder)
    print(f"report: {page}")
    return 0


def document(folder: Path, page: Path) -> dict[str, Any]:
    """What `--json` prints of the run, or the comparison, in `folder`: where it is, its results and the verdict.

    **Arguments:**

    - `folder`: which holds results.
    - `page`: where its report is.
    """
    from vestige.report.verdict import verdict_of

    where = {"folder": str(folder), "report": str(page)}
    return {**where, "verdict": verdict_of(folder).as_plain(), **read_results(folder / RESULTS)}


def run_members(
    entry: Entry, members: Mapping[str, Experiment], settings: RunSettings, *, vary: str, folder: Path, longer: bool
) -> int:
    """Run every member with every seed, print the table and write all reports.

    **Arguments:**

    - `entry`: of the catalogue.
    - `members`: name -> experiment.
    - `settings`: the options of the command.
    - `vary`: what differs between members, for the table.
    - `folder`: of the comparison.
    - `longer`: whether the number of updates was given.

    **Returns:** the exit code.
    """
    from vestige.report import write_report

    settings.note(f"{', '.join(members)}; {settings.seeds} seed{'s' * (settings.seeds > 1)} each, folder {folder}")
    results = compare(
        entry,
        members,
        vary=vary,
        seeds=[settings.seed + i for i in range(settings.seeds)],
        folder=folder,
        command=command_line(),
        resume=settings.resume,
        perform=performer(settings, folder, longer=longer),
        notice=settings.warn,
    )
    for member in results["members"].values():
        for where in member["runs"]:
            write_report(folder / where)
    page = write_report(folder)
    if settings.json:
        settings.print_json(document(folder, page))
        return 0
    print_comparison(folder)
    print(f"report: {page}")
    return 0
