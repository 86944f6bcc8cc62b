"""An experiment of the catalogue: its presets, and the published numbers to stand beside them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from vestige.errors import UsageError, nearest
from vestige.experiments.experiment import Experiment

Published = dict[str, Any]
"""`source`, `note`, `metrics` (model -> metric -> value) and `curves` (curve -> model -> x -> value)."""


def unpublished(experiment: Experiment) -> Published:
    """No numbers: the paper has none, or has no such experiment."""
    return {}


@dataclasses.dataclass(frozen=True)
class Entry:
    """An experiment of the catalogue."""

    name: str
    """As it is typed."""
    title: str
    """A heading of a few words."""
    summary: str
    """One line."""
    system: str
    """Under which heading `vestige list` shows it."""
    paper: str
    """Which paper it is of."""
    presets: Mapping[str, Experiment]
    """Settings by name; the first, `small`, is the default."""
    durations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """How long each preset takes, and where."""
    published: Callable[[Experiment], Published] = unpublished
    """The published numbers for these settings; empty where there are none."""
    vary: str = "rule"
    """What `vestige compare` varies where nothing is said, e.g. `model.memory`."""
    bench: str = "rule"
    """What `vestige bench` times side by side."""

    def preset(self, name: str) -> Experiment:
        """The settings of a preset.

        **Arguments:**

        - `name`: of the preset: `small`, `cpu`, `paper`, …

        **Returns:** the experiment.

        **Raises:** `UsageError` for an unknown one.
        """
        if name not in self.presets:
            raise UsageError(f"unknown preset '{name}' of {self.name}. {nearest(name, self.presets)}")
        return self.presets[name]
