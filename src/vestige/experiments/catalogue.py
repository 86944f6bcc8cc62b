"""Every experiment that can be run by name."""

from typing import Any, TypeVar

from vestige.errors import UsageError, nearest
from vestige.experiments.contract import AbstractOptions
from vestige.experiments.entry import Entry
from vestige.experiments.filtering.entries import FILTERING
from vestige.experiments.longterm.entries import MEMUP, STREAM
from vestige.experiments.temporal.entries import GTMM
from vestige.experiments.tied.entries import TIED
from vestige.experiments.tmaze.entries import TMAZE
from vestige.experiments.toy.entries import TOY_ARBORESCENCE, TOY_BINARY_TREE, TOY_MATCHING, TOY_SPANNING_TREE
from vestige.experiments.twocolors.entries import TWO_COLORS

_ENTRIES = (
    *GTMM,
    *MEMUP,
    STREAM,
    TMAZE,
    TWO_COLORS,
    *FILTERING,
    *TIED,
    TOY_MATCHING,
    TOY_SPANNING_TREE,
    TOY_ARBORESCENCE,
    TOY_BINARY_TREE,
)

CATALOGUE: dict[str, Entry[Any]] = {entry.name: entry for entry in _ENTRIES}

Ability = TypeVar("Ability", bound=AbstractOptions)


def find(name: str) -> Entry[Any]:
    """The entry of that name. **Raises:** `UsageError` that suggests the nearest."""
    if name not in CATALOGUE:
        raise UsageError(f"unknown experiment '{name}'. {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]


def able(entry: Entry[Any], options: AbstractOptions, ability: type[Ability], *, command: str) -> Ability:
    """The options, if experiments of their kind can do what `vestige <command>` asks for.

    **Raises:** `UsageError` that names those which can.
    """
    if isinstance(options, ability):
        return options
    others = [name for name, other in CATALOGUE.items() if issubclass(other.kind, ability)]
    raise UsageError(f"vestige {command} cannot do {entry.name}; it can do {', '.join(others)}")
