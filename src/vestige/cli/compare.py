"""`vestige compare EXPERIMENT --vary NAME[=A,B,…]`, `vestige compare SUITE`."""

import dataclasses
from typing import Any

import tyro

from vestige.cli.parse import RunSettings, default_folder, parse
from vestige.cli.run import run_members
from vestige.errors import UsageError, nearest
from vestige.experiments.contract import AbstractOptions
from vestige.experiments.suites import SUITES


@dataclasses.dataclass(frozen=True)
class CompareSettings(RunSettings):
    """What to vary, beside where and how."""

    vary: str = ""
    """An option, alone for all its named choices or with values: memory, memory=introspection,none, task.l=5,10.
    By default what the experiment is about, e.g. memory or estimator."""


def main(arguments: list[str]) -> int:
    """Run every setting with every seed and show them side by side; of a suite, all its experiments."""
    if arguments and arguments[0] in SUITES:
        from vestige.cli.suite import main as compare_suite

        return compare_suite(arguments[0], arguments[1:])
    invocation = parse("compare", arguments, CompareSettings)
    entry, settings = invocation.entry, invocation.settings
    vary = settings.vary or invocation.options.variation
    if not vary:
        raise UsageError(
            f"{entry.name} has nothing that is varied by default. Say what: --vary NAME or --vary NAME=A,B."
        )
    name, members = variants(invocation.options, vary)
    stem = f"{entry.name}-{settings.preset}-by-{name}"
    folder = settings.out or default_folder(stem, resume=settings.resume)
    return run_members(entry, members, settings, vary=name, folder=folder)


def variants(options: AbstractOptions, vary: str) -> tuple[str, dict[str, AbstractOptions]]:
    """The varied option's name, and the options of each member.

    **Raises:** `UsageError` for an unknown option or a value that does not fit it.
    """
    name, _, listed = vary.partition("=")
    values = [value for value in listed.split(",") if value]
    if name in options.choices:
        choices = options.choices[name]
        for value in values:
            if value not in choices:
                raise UsageError(f"--vary {name}: unknown '{value}'. {nearest(value, choices)}")
        return name, {value: dataclasses.replace(options, **{name: choices[value]}) for value in values or choices}
    known = _leaves(options)
    if name not in known:
        raise UsageError(f"--vary: unknown option '{name}'. {nearest(name, [*options.choices, *known])}")
    if not values:
        raise UsageError(f"--vary {name} needs values, e.g. --vary {name}={known[name]},…")
    return name, {f"{name.split('.')[-1]}-{value}": _set(options, name, value) for value in values}


def _leaves(options: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        name = f"{prefix}{field.name}"
        found |= _leaves(value, f"{name}.") if dataclasses.is_dataclass(value) else {name: value}
    return found


def _set(options: AbstractOptions, name: str, value: str) -> AbstractOptions:
    flag = name.replace("_", "-")
    return tyro.cli(
        type(options),
        args=[f"--{flag}", value],
        default=options,
        prog="vestige compare --vary",
        config=(tyro.conf.AvoidSubcommands, tyro.conf.FlagConversionOff),
    )
