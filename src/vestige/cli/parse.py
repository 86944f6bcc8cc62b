"""Command lines made from the specifications of an experiment's parts."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from vestige.checks import COUNT, at_least, at_most, seed
from vestige.cli.options import (
    Option,
    full,
    leaves_of,
    match,
    once,
    parts_of,
    renamed,
    spelled,
    split,
)
from vestige.cli.streams import say
from vestige.cli.values import VALUES, worded
from vestige.cli.voice import Voice
from vestige.errors import UsageError, nearest
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.config_file import SUFFIXES, read_config_file
from vestige.runs.executors.naming import is_named
from vestige.runs.suites import SUITES

REPEATED = ("sink", "space")
"""Options that may be given several times."""
Settings = TypeVar("Settings", bound="RunSettings")
Simple = TypeVar("Simple")

Sinks = Annotated[tuple[Literal["mlflow", "wandb"], ...], tyro.conf.UseAppendAction]
"""Names of other programs that receive the log, each with an option of its own."""


@dataclasses.dataclass(frozen=True)
class RunSettings(Voice):
    """Where and how, beside what."""

    preset: str = "small"
    """small, cpu or paper: the options' defaults."""
    out: Path | None = None
    """The run folder; by default a new one under runs/."""
    resume: bool = False
    """Continue the run in the folder, or start it if there is none; with more --steps it is made longer."""
    init_from: Path | None = None
    """A run folder: begin with the weights in its newest checkpoint."""
    seed: int = 0
    """The first seed."""
    seeds: int = 1
    """How many seeds, counted on from the first."""
    on_nonfinite: Literal["stop", "skip"] = "stop"
    """What to do with an update that is not finite."""
    devices: int | None = None
    """Spread each batch over that many devices."""
    jobs: int | None = None
    """How many runs go on at once, each on its share of the cores (on an accelerator: on all of it). By default one
    per core up to 8 where there is no accelerator, else one."""
    on: str = "processes"
    """Where several runs go on: processes of this machine, dask (workers of a Dask cluster on it), or the address of a
    Dask scheduler, tcp://HOST:PORT, whose workers share the folder."""
    sink: Sinks = ()
    """Another program that receives the log too; may be given once for each."""

    def __post_init__(self):
        at_least(self, 1, "seeds", "devices", "jobs")
        at_most(self, COUNT, "seeds", "devices", "jobs")
        seed(self, "seed", count=self.seeds)
        if self.devices is not None and self.jobs is not None and self.jobs > 1:
            raise ValueError(
                f"devices spreads one run, jobs is about several: got devices={self.devices}, jobs={self.jobs}"
            )
        if is_named(self.on) and self.devices is not None:
            raise ValueError(f"devices spreads one run over this machine: got devices={self.devices}, on={self.on}")


@dataclasses.dataclass(frozen=True)
class Invocation(Generic[Settings]):
    """A parsed command line."""

    entry: Entry
    experiment: Experiment
    settings: Settings
    given: frozenset[str]
    """Dotted names of the experiment's options that were given."""


def parse(command: str, arguments: list[str], settings: type[Settings]) -> Invocation[Settings]:
    """`[EXPERIMENT, --option value, …]` over the defaults of the chosen preset.

    Options are the fields of `settings` and of the experiment and its parts, e.g. `--model.memory.heads 2`, or
    `--memory.heads 2` where only one part has such an option; `--model.memory NAME` (or `--memory NAME`) chooses among
    the registered parts.

    **Arguments:**

    - `command`: its name, for messages and help.
    - `arguments`: the words after it.
    - `settings`: a dataclass of the command's own options.

    **Returns:** the entry, the experiment and the settings.

    The first word may also be a configuration file, whose options then are the defaults.

    **Raises:** `UsageError` for an unknown experiment, preset or name, an option given twice, parts that do not fit;
    tyro exits with code 2 for others.
    """
    if not arguments or arguments[0].startswith("-"):
        names = "\n".join(f"  {entry.name:<18} {entry.summary}" for entry in registry("experiment").values())
        text = f"usage: vestige {command} EXPERIMENT [options]\n\nexperiments:\n{names}"
        if arguments and arguments[0] in ("-h", "--help"):
            print(text + f"\n\nvestige {command} EXPERIMENT --help lists its options.")
            raise SystemExit(0)
        raise UsageError(f"which experiment? vestige {command} EXPERIMENT, one of {', '.join(registry('experiment'))}")
    if Path(arguments[0]).suffix in SUFFIXES:
        configured = read_config_file(Path(arguments[0]))
        for notice in configured.notices:
            say(f"note: {notice}")
        entry, experiment = configured.entry, configured.experiment
        defaults = dataclasses.replace(settings(), preset=configured.preset, seed=configured.seed)
    else:
        entry, experiment, defaults = _named(command, arguments[0]), None, settings()
    words, options = split(arguments[1:])
    own = {field.name for field in dataclasses.fields(settings)}  # pyright: ignore[reportArgumentType]
    options = [option if option.name in own else renamed(option, entry.name) for option in options]
    preset = next((option.value for option in options if option.name == "preset"), None)
    if experiment is None:
        experiment = entry.preset("small" if preset is None else preset)
    elif any(option.name == "preset" for option in options):
        raise UsageError(f"--preset: {arguments[0]} says all options already; leave it out")
    experiment, options = chosen(experiment, options, own)
    resolved = [option if option.name in own else full(option, experiment) for option in options]
    once([option for option in resolved if option.name not in REPEATED])
    composite = _composite(settings, type(experiment))
    try:
        parsed = read(
            composite,
            args=[*words, *(word for option in resolved for word in spelled(option))],
            default=composite(defaults, experiment),
            prog=f"vestige {command} {entry.name}",
            description=f"{entry.title}: {entry.summary}.\n\n{choices(experiment)}",
            config=(tyro.conf.AvoidSubcommands,),
        )
        parsed.experiment.check()
    except ValueError as error:  # raised by a class whose options have no prefix of their own
        raise UsageError(str(error)) from error
    given = frozenset(option.name for option in resolved if option.name not in own)
    return Invocation(entry, parsed.experiment, parsed.settings, given)


def _named(command: str, name: str) -> Entry:
    known = registry("experiment")
    if command == "compare" and name not in known:
        raise UsageError(f"unknown experiment '{name}'. {nearest(name, [*known, *SUITES])}")
    return known.find(name)


def chosen(experiment: Experiment, options: list[Option], own: set[str]) -> tuple[Experiment, list[Option]]:
    """The experiment with the parts that were chosen by name.

    **Arguments:**

    - `experiment`: with the parts of its preset.
    - `options`: as they were typed.
    - `own`: the names of the command's own options, which choose no part.

    **Returns:** the experiment, and the options that are left.

    **Raises:** `UsageError` for an unknown name, a part chosen twice, and parts that do not fit.
    """
    left = list(options)
    while True:
        known = dict(parts_of(experiment))
        found = {}
        for option in left:
            path = None if option.name in own else match(option.name, known)
            if path is None:
                continue
            if path in found:
                raise UsageError(f"--{option.name.replace('_', '-')} was given 2 times; give it once")
            if option.value is None:
                raise UsageError(f"--{option.name.replace('_', '-')} needs a name: {', '.join(registry(known[path]))}")
            found[path] = option
        if not found:
            return experiment, left
        depth = min(path.count(".") for path in found)
        now = {path: option for path, option in found.items() if path.count(".") == depth}
        try:
            experiment = experiment.choose({path: str(option.value) for path, option in now.items()})
        except ValueError as error:
            raise UsageError(str(error)) from error
        left = [option for option in left if option not in now.values()]


def choices(experiment: Experiment) -> str:
    """What can be chosen by name, for the help."""
    lines = [
        f"--{path.replace('_', '-')} {' | '.join(fitting(experiment, path, contract))}"
        for path, contract in parts_of(experiment)
    ]
    return "Parts by name, before their own options:\n" + "\n".join(lines)


def fitting(experiment: Experiment, path: str, contract: str) -> list[str]:
    """The registered parts that fit in with the others of an experiment.

    **Arguments:**

    - `experiment`: the others.
    - `path`: the dotted name of the part, such as `model.memory`.
    - `contract`: its contract.

    **Returns:** their names, in the order of the registry.
    """
    found = []
    for name in registry(contract):
        try:
            experiment.choose({path: name}).check()
        except ValueError:
            continue
        found.append(name)
    return found


def read(what: Any, **how: Any) -> Any:
    """`tyro.cli(what, **how)`, with numbers and paths as `vestige.cli.values` has them.

    **Raises:** `UsageError` for a value or an option that tyro refuses; `ValueError` where a class does.
    """
    with worded():
        return tyro.cli(what, registry=VALUES, **how)


def _composite(settings: type, experiment: type) -> Any:
    fields = [
        ("settings", Annotated[settings, tyro.conf.arg(name="")]),
        ("experiment", Annotated[experiment, tyro.conf.arg(name="")]),
    ]
    return dataclasses.make_dataclass("Options", fields, frozen=True)


def simple(command: str, description: str, settings: type[Simple], arguments: list[str]) -> Simple:
    """Parse a command line without an experiment.

    **Arguments:**

    - `command`, `description`: its name and what it does, for the help.
    - `settings`: a dataclass of its options.
    - `arguments`: the words after the command.

    **Returns:** an instance of `settings`.

    **Raises:** `UsageError` for a value that the settings refuse.
    """
    try:
        return read(settings, args=arguments, prog=f"vestige {command}", description=description)
    except ValueError as error:
        raise UsageError(str(error)) from error


def command_line() -> str:
    """The command as it was typed, for `config.yaml` and the report."""
    return shlex.join(["vestige", *sys.argv[1:]])


def default_folder(stem: str, *, resume: bool) -> Path:
    """`runs/<stem>`, or the first of `runs/<stem>-2`, … that does not exist; with `resume` the newest."""
    base = Path("runs") / stem
    candidates = [base]
    while candidates[-1].exists():
        candidates.append(base.with_name(f"{stem}-{len(candidates) + 1}"))
    return candidates[-2] if resume and len(candidates) > 1 else candidates[-1]


def unknown(name: str, experiment: Experiment) -> UsageError:
    """The error for an option that no part has.

    **Arguments:**

    - `name`: of the option.
    - `experiment`: whose options and parts are suggested.
    """
    known = [*dict(parts_of(experiment)), *leaves_of(experiment)]
    return UsageError(f"unknown option '{name}'. {nearest(name, known)}")
