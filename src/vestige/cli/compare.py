"""`vestige compare EXPERIMENT --vary NAME[=A,B,…]`, `vestige compare SUITE`."""

import dataclasses

import tyro

from vestige.cli.parse import (
    RunSettings,
    default_folder,
    fitting,
    leaves_of,
    match,
    option_name,
    parse,
    parts_of,
    present,
    renamed,
    renamed_value,
    spelled,
    unknown,
)
from vestige.cli.run import run_members
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.experiments.suites import SUITES


@dataclasses.dataclass(frozen=True)
class CompareSettings(RunSettings):
    """What to vary, beside where and how."""

    vary: str = ""
    """An option, alone for all the parts that fit or with values: memory, memory=introspection,none, task.l=5,10.
    By default what the experiment is about, e.g. memory or estimator."""


def main(arguments: list[str]) -> int:
    """Run every setting with every seed and show them side by side; of a suite, all its experiments."""
    if arguments and arguments[0] in SUITES:
        from vestige.cli.suite import main as compare_suite

        return compare_suite(arguments[0], arguments[1:])
    invocation = parse("compare", arguments, CompareSettings)
    entry, settings = invocation.entry, invocation.settings
    name, members = variants(invocation.experiment, settings.vary or entry.vary, entry.name)
    stem = f"{entry.name}-{settings.preset}-by-{name}"
    folder = settings.out or default_folder(stem, resume=settings.resume)
    longer = "steps" in invocation.given
    return run_members(entry, members, settings, vary=name, folder=folder, longer=longer)


def variants(experiment: Experiment, vary: str, named: str) -> tuple[str, dict[str, Experiment]]:
    """The last word of the varied option, and the experiment of each member.

    **Raises:** `UsageError` for an unknown option, a value that does not fit it, and parts that do not go together.
    """
    asked, _, listed = vary.partition("=")
    values = [renamed_value(option_name(asked).name, value, named) for value in listed.split(",") if value]
    for value in values:
        if values.count(value) > 1:
            raise UsageError(f"--vary {asked}: {value} is named {values.count(value)} times; name it once")
    parts, leaves = dict(parts_of(experiment)), leaves_of(experiment)
    name = present(renamed(option_name(asked), named).name, leaves)
    path = match(name, parts)
    if path is not None:
        known = fitting(experiment, path, parts[path])
        try:
            members = {value: experiment.choose({path: value}).check() for value in values or known}
        except ValueError as error:
            raise UsageError(f"--vary {asked}: {error}") from error
        return path.rpartition(".")[2], members
    leaf = match(name, leaves)
    if leaf is None:
        raise unknown(asked, experiment)
    if not values:
        raise UsageError(f"--vary {asked} needs values, e.g. --vary {asked}={leaves[leaf]},…")
    last = leaf.rpartition(".")[2]
    return last, {f"{last}-{safe(value, i)}": _set(experiment, leaf, value) for i, value in enumerate(values)}


def safe(value: str, number: int) -> str:
    """A value as part of the name of a folder: itself where it can be, else its number."""
    harmless = value.isascii() and len(value) <= 40 and all(c.isalnum() or c in "._-+" for c in value)
    return value if harmless and not value.startswith(".") else str(number + 1)


def _set(experiment: Experiment, name: str, value: str) -> Experiment:
    return tyro.cli(
        type(experiment),
        args=spelled(option_name(name)._replace(value=value)),
        default=experiment,
        prog="vestige compare --vary",
        config=(tyro.conf.AvoidSubcommands, tyro.conf.FlagConversionOff),
    )
