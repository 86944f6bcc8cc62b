"""What `vestige tune` searches: ranges that parts declare, and those that are typed."""

import typing
from collections.abc import Sequence
from typing import Any

from vestige.cli.compare import set_option
from vestige.cli.options import leaves_of, match, option_name, parts_of, renamed
from vestige.cli.parse import unknown
from vestige.cli.values import integer, real
from vestige.errors import UsageError, shown
from vestige.experiments.experiment import Experiment
from vestige.runs.tuning.study import value_of
from vestige.search import AbstractRange, Choices, Integers, Reals, declared


def space_of(
    experiment: Experiment, typed: Sequence[str], given: frozenset[str], named: str
) -> dict[str, AbstractRange]:
    """The options that are searched, with their ranges.

    **Arguments:**

    - `experiment`: whose parts declare ranges; each is widened to hold the experiment's own value.
    - `typed`: `NAME=LOW:HIGH`, `NAME=LOW:HIGH:log` or `NAME=A,B,…`, which add an option or replace its range.
    - `given`: dotted names of options that were given on the command line: they stay as they are.
    - `named`: the experiment's name, for options of version 0.1.

    **Returns:** dotted name -> range.

    **Raises:** `UsageError` for an unknown option, a range that does not fit it, one typed twice, and where nothing is
    left to be searched.
    """
    found = {
        name: over.including(value_of(experiment, name)) for name, over in declared(experiment) if name not in given
    }
    seen: set[str] = set()
    for text in typed:
        name, over = _typed(experiment, text, named)
        if name in seen:
            raise UsageError(f"--space {name} was given twice; give it once")
        if name in given:
            raise UsageError(f"--space {name} is searched, and --{name.replace('_', '-')} is given too; leave one out")
        seen.add(name)
        found[name] = over
    if not found:
        raise UsageError(
            "no option is left to be searched: name one, such as --space batch_size=8:64:log, or leave out the options "
            "that the parts declare"
        )
    return found


def _typed(experiment: Experiment, text: str, named: str) -> tuple[str, AbstractRange]:
    word, equals, values = text.partition("=")
    if not equals or not word or not values:
        raise UsageError(f"--space must be NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,…; got '{shown(text)}'")
    leaves = leaves_of(experiment)
    short = renamed(option_name(word), named).name
    name = match(short, leaves)
    if name is None:
        if match(short, dict(parts_of(experiment))) is not None:
            raise UsageError(f"--space {word} is a part: choose it with --{word}, or compare parts: --vary {word}")
        raise unknown(word, experiment)
    try:
        over = _range(experiment, name, values)
    except ValueError as error:
        raise UsageError(f"--space {word}={shown(values)}: {error}") from error
    for end in over.ends():
        set_option(experiment, name, str(end), option="--space")
    return name, over


def _range(experiment: Experiment, name: str, values: str) -> AbstractRange:
    kinds = _kinds(experiment, name)
    if ":" not in values:
        return Choices(tuple(value_of(set_option(experiment, name, each), name) for each in values.split(",")))
    low, high, *more = values.split(":")
    if more not in ([], ["log"]):
        raise ValueError("expected LOW:HIGH or LOW:HIGH:log")
    if int in kinds and bool not in kinds:
        return Integers(integer(low), integer(high), log=bool(more))
    if float in kinds:
        return Reals(real(low), real(high), log=bool(more))
    raise ValueError("it is no number; name its values, with commas between them")


def _kinds(experiment: Experiment, name: str) -> set[Any]:
    """The types that an option may have."""
    owner, _, field = name.rpartition(".")
    hint = typing.get_type_hints(type(value_of(experiment, owner) if owner else experiment))[field]
    return set(typing.get_args(hint) or [hint])
