"""Command lines made from the experiments' dataclasses."""

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from vestige.errors import UsageError, nearest
from vestige.experiments import CATALOGUE, Entry, find
from vestige.experiments.contract import AbstractOptions

Settings = TypeVar("Settings")


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """Where and how, beside what."""

    preset: str = "small"
    """small, cpu or paper: the options' defaults."""
    out: Path | None = None
    """The run folder; by default a new one under runs/."""
    resume: bool = False
    """Continue the run in the folder, or start it if there is none."""
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

    def __post_init__(self):
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, got {self.seeds}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if self.devices is not None and self.devices < 1:
            raise ValueError(f"devices must be at least 1, got {self.devices}")
        if self.jobs is not None and self.jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {self.jobs}")
        if self.devices is not None and self.jobs is not None and self.jobs > 1:
            raise ValueError(
                f"devices spreads one run, jobs is about several: got devices={self.devices}, jobs={self.jobs}"
            )


@dataclasses.dataclass(frozen=True)
class Invocation(Generic[Settings]):
    """A parsed command line."""

    entry: Entry[Any]
    options: AbstractOptions
    settings: Settings


def parse(command: str, arguments: list[str], settings: type[Settings]) -> Invocation[Settings]:
    """`[EXPERIMENT, --option value, …]` over the defaults of the chosen preset.

    Options are the fields of `settings` and of the experiment's own dataclass, e.g. `--memory.heads 2`;
    `--memory NAME` chooses among named settings.

    **Raises:** `UsageError` for an unknown experiment, preset or name; tyro exits with code 2 for others.
    """
    if not arguments or arguments[0].startswith("-"):
        names = "\n".join(f"  {entry.name:<18} {entry.summary}" for entry in CATALOGUE.values())
        text = f"usage: vestige {command} EXPERIMENT [options]\n\nexperiments:\n{names}"
        if arguments and arguments[0] in ("-h", "--help"):
            print(text + f"\n\nvestige {command} EXPERIMENT --help lists its options.")
            raise SystemExit(0)
        raise UsageError(f"which experiment? {text}")
    entry = find(arguments[0])
    rest = arguments[1:]
    options = entry.preset(_value(rest, "preset") or "small")
    for name, choices in options.choices.items():
        chosen = _value(rest, name)
        if chosen is not None:
            if chosen not in choices:
                raise UsageError(f"--{name}: unknown '{chosen}'. {nearest(chosen, choices)}")
            options = dataclasses.replace(options, **{name: choices[chosen]})
            rest = _without(rest, name)
    description = f"{entry.title}: {entry.summary}."
    names = "; ".join(f"--{name} {'|'.join(choices)}" for name, choices in options.choices.items())
    if names:
        description += f"\n\nChoices, before their own options: {names}"
    composite = _composite(settings, type(options))
    try:
        parsed = tyro.cli(
            composite,
            args=rest,
            default=composite(settings(), options),
            prog=f"vestige {command} {entry.name}",
            description=description,
            config=(tyro.conf.AvoidSubcommands,),
        )
    except ValueError as error:  # raised by a class whose options have no prefix of their own
        raise UsageError(str(error)) from error
    return Invocation(entry, parsed.options, parsed.settings)


def _composite(settings: type, options: type) -> Any:
    fields = [
        ("settings", Annotated[settings, tyro.conf.arg(name="")]),
        ("options", Annotated[options, tyro.conf.arg(name="")]),
    ]
    return dataclasses.make_dataclass("Options", fields, frozen=True)


def _value(arguments: list[str], name: str) -> str | None:
    """The value of `--name value` or `--name=value`, the last one given."""
    found = None
    for position, argument in enumerate(arguments):
        if argument == f"--{name}":
            if position + 1 == len(arguments) or arguments[position + 1].startswith("--"):
                raise UsageError(f"--{name} needs a value")
            found = arguments[position + 1]
        elif argument.startswith(f"--{name}="):
            found = argument.split("=", 1)[1]
    return found


def _without(arguments: list[str], name: str) -> list[str]:
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == f"--{name}":
            skip = True
        elif not argument.startswith(f"--{name}="):
            kept.append(argument)
    return kept


def simple(command: str, description: str, settings: type[Settings], arguments: list[str]) -> Settings:
    """A command line without an experiment. **Raises:** `UsageError` for a value the settings refuse."""
    try:
        return tyro.cli(settings, args=arguments, prog=f"vestige {command}", description=description)
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
