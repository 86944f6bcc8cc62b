"""Options by their names: as they are typed, by today's name, and by their full name among those of an experiment."""

import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment, contract_of
from vestige.runs.schema1 import NAMES
from vestige.spec import Spec

RENAMED = {"batch": "batch_size", "evaluations": "num_evals", "watched": "num_evals", "judged": "eval_size"}
RENAMED |= {"evaluation_size": "eval_size", "data": "task", "problem": "task"}
"""Options of version 0.1 that were called otherwise whatever the experiment; `schema1` holds those of each."""


FLAG = re.compile(r"--|-[a-zA-Z]$")
"""How an option begins, or what one of a single letter is; -1 is a value."""


class Option(NamedTuple):
    """`--name value` or `--name`, as it was typed."""

    name: str
    """Dotted, with underscores."""
    value: str | None


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
        elif at < len(arguments) and not FLAG.match(arguments[at]):
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
    """The option by today's name; one of version 0.1 is understood, with a notice.

    **Arguments:**

    - `option`: as it was typed.
    - `experiment`: the name of the experiment, which decides what an old name meant.

    **Returns:** the same option where its name is today's.

    **Raises:** `UsageError` for an option of version 0.1 that is no longer there.
    """
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
    """The value of an option by today's name; one of version 0.1 is understood, with a notice.

    **Arguments:**

    - `option`: the name of the option.
    - `value`: as it was typed.
    - `experiment`: the name of the experiment, which decides what an old value meant.
    """
    names = NAMES.get(experiment)
    new = names.values.get(option, {}).get(value, value) if names else value
    if new != value:
        print(f"note: {option} {value} is now {new}; the old name goes with the next release", file=sys.stderr)
    return new


def parts_of(spec: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and contract of every part that can be chosen by name, outer ones first.

    **Arguments:**

    - `spec`: an experiment, or one of its parts.
    - `prefix`: what stands before every name.
    """
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
    """Dotted name and value of every option that is no part.

    **Arguments:**

    - `spec`: an experiment, or one of its parts.
    - `prefix`: what stands before every name.
    """
    found: dict[str, Any] = {}
    for field in dataclasses.fields(spec):
        value, name = getattr(spec, field.name), f"{prefix}{field.name}"
        if isinstance(value, Spec):
            found |= leaves_of(value, f"{name}.")
        elif not contract_of(type(spec), field.name):
            found[name] = value
    return found


def match(short: str, names: Mapping[str, Any] | list[str]) -> str | None:
    """The one name that is the short one, ends in it, or ends in its last word and has its others before that, in order
    (`cell.heads` for `model.cell.memory.heads`).

    **Arguments:**

    - `short`: as it was typed, with dots and underscores.
    - `names`: the full ones.

    **Returns:** a full name; None where none fits.

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
    """The first of several alternative names that is known.

    **Arguments:**

    - `name`: alternatives with | between them.
    - `known`: the known names.

    **Returns:** the first alternative where none is known.
    """
    alternatives = name.split("|")
    return next((other for other in alternatives if other in known), alternatives[0])


def leaves_out(short: str, name: str) -> bool:
    """Whether `short`, a name of several words, is the full `name` without some of the words before the last."""
    words, rest = short.split("."), iter(name.split("."))
    return len(words) > 1 and name.endswith(f".{words[-1]}") and all(word in rest for word in words)


def full(option: Option, experiment: Experiment) -> Option:
    """The option by its full name.

    **Arguments:**

    - `option`: by its full name or a shorter one.
    - `experiment`: whose options are known.

    **Returns:** the same option where no known name fits.

    **Raises:** `UsageError` where several do.
    """
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
