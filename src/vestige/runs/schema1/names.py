"""How the names of schema 1 (version 0.1) become those of today: one table for each kind of experiment."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of one kind of experiment in schema 1."""

    options: Mapping[str, str]
    """Dotted option -> dotted option of today; the longest that begins an option counts. Empty: it is no more. With |
    between several: the one that the parts of an experiment have."""
    classes: Mapping[str, Mapping[str, str]]
    """Option of today that holds a part -> class in schema 1 -> registered name."""
    always: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Option of today that holds a part -> registered name, where schema 1 had one class."""
    values: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    """Option of schema 1 -> value on the command line (True and False of a flag) -> value of today."""
    in_full: frozenset[str] = frozenset()
    """Options of schema 1 whose name is short for several options of today."""
    finish: Callable[[str, dict[str, Any]], dict[str, Any]] | None = None
    """What a table cannot say: from the experiment and its options of today, flat, to others."""

    def option(self, old: str) -> str:
        """Today's name of an option."""
        parts = old.split(".")
        for end in range(len(parts), 0, -1):
            head = ".".join(parts[:end])
            if head in self.options:
                return ".".join(filter(None, [self.options[head], *parts[end:]]))
        return old

    def convert(self, experiment: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options of a folder, nested, in today's schema."""
        flat: dict[str, Any] = {**{f"{path}.name": name for path, name in self.always.items()}}
        for old, value in _flat(options):
            path, _, last = old.rpartition(".")
            if last == "kind":
                new = self.option(path)
                if new in self.classes:
                    flat[f"{new}.name"] = self.classes[new][value]
                continue
            new = self.option(old)
            if new:
                flat[new] = value
        return _nested(flat if self.finish is None else self.finish(experiment, flat))


def _flat(options: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in options.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, value)]
    return found


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        at = found
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return found
