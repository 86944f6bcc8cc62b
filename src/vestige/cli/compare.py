"""`vestige compare EXPERIMENT --vary NAME[=A,B,…]`, `vestige compare SUITE`."""

import dataclasses

import tyro

from vestige.cli.options import leaves_of, match, option_name, parts_of, present, renamed, renamed_value, spelled
from vestige.cli.parse import RunSettings, default_folder, fitting, parse, read, unknown
from vestige.cli.run import run_members
from vestige.errors import UsageError, shown
from vestige.experiments.experiment import Experiment
from vestige.runs.suites import SUITES


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
    settings.listen()
    name, members = variants(invocation.experiment, settings.vary or entry.vary, entry.name)
    stem = f"{entry.name}-{settings.preset}-by-{name}"
    folder = settings.out or default_folder(stem, resume=settings.resume)
    longer = "steps" in invocation.given
    return run_members(entry, members, settings, vary=name, folder=folder, longer=longer)


def variants(experiment: Experiment, vary: str, named: str) -> tuple[str, dict[str, Experiment]]:
    """The members of a comparison.

    **Arguments:**

    - `experiment`: which is varied.
    - `vary`: `OPTION=VALUE,VALUE,…`, as it was typed; without values every part that fits is one.
    - `named`: the experiment's name, for options of version 0.1.

    **Returns:** the last word of the varied option, and the experiment of each member.

    **Raises:** `UsageError` for an unknown option, a value that does not fit it, and parts that do not go together.
    """
    option, equals, listed = vary.partition("=")
    words = listed.split(",") if equals else []
    if not all(word.strip() for word in words):
        raise UsageError(f"--vary {option}: one of the values in '{shown(listed)}' is empty; leave it out")
    values = [renamed_value(option_name(option).name, word, named) for word in words]
    for value in values:
        if values.count(value) > 1:
            raise UsageError(f"--vary {option}: {value} is named {values.count(value)} times; name it once")
    parts, leaves = dict(parts_of(experiment)), leaves_of(experiment)
    name = present(renamed(option_name(option), named).name, leaves)
    path = match(name, parts)
    if path is not None:
        known = fitting(experiment, path, parts[path])
        try:
            members = {value: experiment.choose({path: value}).check() for value in values or known}
        except ValueError as error:
            raise UsageError(f"--vary {option}: {error}") from error
        return path.rpartition(".")[2], members
    leaf = match(name, leaves)
    if leaf is None:
        raise unknown(option, experiment)
    if not values:
        raise UsageError(f"--vary {option} needs values, e.g. --vary {option}={leaves[leaf]},…")
    last = leaf.rpartition(".")[2]
    names = folder_names(values)
    return last, {
        f"{last}-{name}": set_option(experiment, leaf, value) for name, value in zip(names, values, strict=True)
    }


def folder_names(values: list[str]) -> list[str]:
    """Each of the `values` as part of the name of a folder: itself where it can be, else its number.

    No two are alike, not even on a disk that takes capital letters for small ones or drops a dot at the end.
    """
    found: list[str] = []
    for number, value in enumerate(values, 1):
        harmless = value.isascii() and len(value) <= 40 and all(c.isalnum() or c in "._-+" for c in value)
        harmless = harmless and value.strip(".") == value
        name = value if harmless else f"value-{number}"
        taken = {other.lower() for other in (*found, *(other for other in values if other != value))}
        while name.lower() in taken:
            name = f"value-{number}" if name == value else f"{name}-{number}"
        found.append(name)
    return found


def set_option(experiment: Experiment, name: str, value: str, *, option: str = "--vary") -> Experiment:
    """The experiment with one option set to a value, as it is typed.

    **Arguments:**

    - `experiment`: whose option it is.
    - `name`: of the option, dotted.
    - `value`: as it was typed.
    - `option`: after which it was typed, for messages.

    **Raises:** `UsageError` for a value that does not fit.
    """
    return read(
        type(experiment),
        args=spelled(option_name(name)._replace(value=value)),
        default=experiment,
        prog=f"vestige {'tune' if option == '--space' else 'compare'} {option}",
        config=(tyro.conf.AvoidSubcommands, tyro.conf.FlagConversionOff),
    )
