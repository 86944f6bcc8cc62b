"""Command lines made from the specifications of an experiment's parts."""

import dataclasses
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import tyro

from vestige.checks import COUNT, at_least, at_most, seed
from vestige.cli.values import VALUES, worded
from vestige.errors import UsageError, nearest
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment, contract_of
from vestige.registries import registry
from vestige.runs.schema1 import NAMES
from vestige.spec import Spec

Settings = TypeVar("Settings")

RENAMED = {"batch": "batch_size", "evaluations": "num_evals", "watched": "num_evals", "judged": "eval_size"}
RENAMED |= {"evaluation_size": "eval_size", "data": "task", "problem": "task"}
"""Options of version 0.1 that were called otherwise whatever the experiment; `schema1` holds those of each."""


@dataclasses.dataclass(frozen=True)
class RunSettings:
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

    def __post_init__(self):
        at_least(self, 1, "seeds", "devices", "jobs")
        at_most(self, COUNT, "seeds", "devices", "jobs")
        seed(self, "seed", count=self.seeds)
        if self.devices is not None and self.jobs is not None and self.jobs > 1:
            raise ValueError(
                f"devices spreads one run, jobs is about several: got devices={self.devices}, jobs={self.jobs}"
            )


@dataclasses.dataclass(frozen=True)
class Invocation(Generic[Settings]):
    """A parsed command line."""

    entry: Entry
    experiment: Experiment
    settings: Settings
    given: frozenset[str]
    """Dotted names of the experiment's options that were given."""


class Option(NamedTuple):
    """`--name value` or `--name`, as it was typed."""

    name: str
    """Dotted, with underscores."""
    value: str | None


def parse(command: str, arguments: list[str], settings: type[Settings]) -> Invocation[Settings]:
    """`[EXPERIMENT, --option value, …]` over the defaults of the chosen preset.

    Options are the fields of `settings` and of the experiment and its parts, e.g. `--model.memory.heads 2`, or
    `--memory.heads 2` where only one part has such an option; `--model.memory NAME` (or `--memory NAME`) chooses among
    the registered parts.

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
    entry: Entry = registry("experiment").find(arguments[0])
    words, options = split(arguments[1:])
    own = {field.name for field in dataclasses.fields(settings)}  # pyright: ignore[reportArgumentType]
    options = [option if option.name in own else renamed(option, entry.name) for option in options]
    preset = next((option.value for option in options if option.name == "preset"), None)
    experiment, options = chosen(entry.preset("small" if preset is None else preset), options, own)
    resolved = [option if option.name in own else full(option, experiment) for option in options]
    once(resolved)
    composite = _composite(settings, type(experiment))
    try:
        parsed = read(
            composite,
            args=[*words, *(word for option in resolved for word in spelled(option))],
            default=composite(settings(), experiment),
            prog=f"vestige {command} {entry.name}",
            description=f"{entry.title}: {entry.summary}.\n\n{choices(experiment)}",
            config=(tyro.conf.AvoidSubcommands,),
        )
        parsed.experiment.check()
    except ValueError as error:  # raised by a class whose options have no prefix of their own
        raise UsageError(str(error)) from error
    given = frozenset(option.name for option in resolved if option.name not in own)
    return Invocation(entry, parsed.experiment, parsed.settings, given)


def split(arguments: list[str]) -> tuple[list[str], list[Option]]:
    """Words that belong to no option, and options with their values."""
    words: list[str] = []
    options: list[Option] = []
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        if not argument.startswith("--") or argument == "--":
            words.append(argument)
            continue
        name, equals, value = argument[2:].partition("=")
        if equals:
            options.append(Option(_dotted(name), value))
        elif at < len(arguments) and not arguments[at].startswith("--") and arguments[at] != "-h":
            options.append(Option(_dotted(name), arguments[at]))
            at += 1
        else:
            options.append(Option(_dotted(name), None))
    return words, options


def option_name(name: str) -> Option:
    """An option as it is named without its hyphens: `model.memory`, `eval-size`."""
    return Option(_dotted(name), None)


def _dotted(name: str) -> str:
    return name.replace("-", "_")


def spelled(option: Option) -> list[str]:
    """The option as tyro reads it."""
    flag = f"--{option.name.replace('_', '-')}"
    return [flag] if option.value is None else [flag, option.value]


def once(options: list[Option]) -> None:
    """**Raises:** `UsageError` where an option was given twice."""
    names = [option.name for option in options]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--{name.replace('_', '-')} was given {names.count(name)} times; give it once")


def renamed(option: Option, experiment: str) -> Option:
    """The option by today's name; one of version 0.1 is understood, with a notice."""
    old = option.name
    negated = "no_" if old.rpartition(".")[2].startswith("no_") else ""
    head, dot, last = old.rpartition(".")
    plain = f"{head}{dot}{last.removeprefix('no_')}" if negated else old
    names = NAMES.get(experiment)
    new = names.option(plain) if names else plain
    new = RENAMED.get(new, new).removesuffix(".name")
    value = option.value
    typed = str(not negated) if value is None else value
    if names and typed in names.values.get(plain, {}):
        value, negated = names.values[plain][typed], ""
    if not new:
        raise UsageError(f"--{old.replace('_', '-')} is no longer an option of {experiment}; leave it out")
    clear = not names or plain not in names.in_full
    if value == option.value and (new == plain or (clear and new.endswith(f".{plain}"))):
        return option  # a short name that is still good
    if negated:
        head, dot, last = new.rpartition(".")
        new = f"{head}{dot}{negated}{last}"
    said = " or ".join(f"--{name.replace('_', '-')}" for name in new.split("|"))
    said += f" {value}" if value != option.value else ""
    print(f"note: --{old.replace('_', '-')} is now {said}; the old name goes with the next release", file=sys.stderr)
    return Option(new, value)


def renamed_value(option: str, value: str, experiment: str) -> str:
    """The value of an option by today's name; one of version 0.1 is understood, with a notice."""
    names = NAMES.get(experiment)
    new = names.values.get(option, {}).get(value, value) if names else value
    if new != value:
        print(f"note: {option} {value} is now {new}; the old name goes with the next release", file=sys.stderr)
    return new


def parts_of(spec: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and contract of every part that can be chosen by name, outer ones first."""
    inner: list[tuple[str, str]] = []
    for field in dataclasses.fields(spec):
        value, name = getattr(spec, field.name), f"{prefix}{field.name}"
        contract = contract_of(type(spec), field.name)
        if contract:
            yield name, contract
        if isinstance(value, Spec):
            inner += parts_of(value, f"{name}.")
    yield from inner


def leaves_of(spec: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted name and value of every option that is no part."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(spec):
        value, name = getattr(spec, field.name), f"{prefix}{field.name}"
        if isinstance(value, Spec):
            found |= leaves_of(value, f"{name}.")
        elif not contract_of(type(spec), field.name):
            found[name] = value
    return found


def match(short: str, names: Mapping[str, Any] | list[str]) -> str | None:
    """The one name that is `short`, ends in it, or ends in its last word and has its others before that, in order
    (`cell.heads` for `model.cell.memory.heads`); None where there is none.

    **Raises:** `UsageError` where several do.
    """
    if short in names:
        return short
    ends = [name for name in names if name.endswith(f".{short}")] or [name for name in names if leaves_out(short, name)]
    if len(ends) > 1:
        shown = ", ".join(f"--{name.replace('_', '-')}" for name in ends)
        raise UsageError(f"--{short.replace('_', '-')} may be {shown}; say which")
    return ends[0] if ends else None


def present(name: str, known: Mapping[str, Any]) -> str:
    """The one of the names with | between them that is known; the first where none is."""
    alternatives = name.split("|")
    return next((other for other in alternatives if other in known), alternatives[0])


def leaves_out(short: str, name: str) -> bool:
    """Whether a short name of several words is `name` without some of the words before the last."""
    words, rest = short.split("."), iter(name.split("."))
    return len(words) > 1 and name.endswith(f".{words[-1]}") and all(word in rest for word in words)


def full(option: Option, experiment: Experiment) -> Option:
    """The option by its full name, where a shorter one was given."""
    known = leaves_of(experiment)
    option = option._replace(name=present(option.name, known))
    head, dot, last = option.name.rpartition(".")
    if option.value is None and last.startswith("no_"):
        found = match(f"{head}{dot}{last.removeprefix('no_')}", known)
        if found:
            head, dot, last = found.rpartition(".")
            return Option(f"{head}{dot}no_{last}", None)
        return option
    return Option(match(option.name, known) or option.name, option.value)


def chosen(experiment: Experiment, options: list[Option], own: set[str]) -> tuple[Experiment, list[Option]]:
    """The experiment with the parts that were chosen by name, and the options that are left.

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
    """The registered parts that fit in with the others of an experiment."""
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


def simple(command: str, description: str, settings: type[Settings], arguments: list[str]) -> Settings:
    """A command line without an experiment. **Raises:** `UsageError` for a value that the settings refuse."""
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
    """For an option that no part has."""
    known = [*dict(parts_of(experiment)), *leaves_of(experiment)]
    return UsageError(f"unknown option '{name}'. {nearest(name, known)}")
