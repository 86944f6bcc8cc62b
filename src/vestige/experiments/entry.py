"""A published experiment, as the catalogue holds it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from vestige.errors import UsageError, nearest
from vestige.experiments.contract import AbstractOptions

Published = dict[str, Any]
"""`source`, `note`, `metrics` (model -> metric -> value) and `curves` (curve -> model -> x -> value)."""

Kind = TypeVar("Kind", bound=AbstractOptions)


@dataclasses.dataclass(frozen=True)
class Entry(Generic[Kind]):
    """One published experiment."""

    name: str
    title: str
    summary: str
    paper: str
    presets: Mapping[str, Kind]
    """Options by name, all of one class; `small` is the default."""
    durations: Mapping[str, str]
    """How long each preset takes, and where."""
    published: Callable[[Kind], Published]
    """The published numbers of these options; empty where the paper has none."""

    @property
    def kind(self) -> type[Kind]:
        """The options class."""
        return type(self.presets["small"])

    def preset(self, name: str) -> Kind:
        """The options of a preset. **Raises:** `UsageError` for an unknown one."""
        if name not in self.presets:
            raise UsageError(f"unknown preset '{name}' of {self.name}. {nearest(name, self.presets)}")
        return self.presets[name]
