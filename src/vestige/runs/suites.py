"""Sets of experiments that are compared together; nothing here imports JAX."""

import dataclasses
from collections.abc import Mapping

from vestige.errors import UsageError, nearest
from vestige.experiments.catalogue.gtmm import GTMM
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment

COMPARED = ("none", "introspection", "ntm", "lru", "dnc", "attention")
"""The memories of the published tables, and attention."""


@dataclasses.dataclass(frozen=True)
class Suite:
    """Several experiments, each run with the same settings of one option: a table of rows and columns."""

    name: str
    title: str
    summary: str
    entries: tuple[Entry, ...]
    """The rows."""
    vary: str
    """The option that makes the columns, one that is chosen by name."""
    members: tuple[str, ...]
    """The columns, by those names."""
    metric: Mapping[str, str]
    """What stands in each row: entry -> metric."""
    alike: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What all runs have, whatever an entry has by itself: option -> name."""

    def rows(self, tasks: str) -> list[Entry]:
        """The entries named in `a,b,…`, in the suite's order; `all` is all. **Raises** `UsageError`."""
        return [entry for entry in self.entries if entry.name in _named(tasks, [e.name for e in self.entries])]

    def columns(self, members: str) -> list[str]:
        """The settings named in `a,b,…`, in the suite's order; `all` is all. **Raises** `UsageError`."""
        chosen = _named(members, list(self.members))
        return [member for member in self.members if member in chosen]

    def experiments(self, entry: Entry, members: list[str], *, preset: str) -> dict[str, Experiment]:
        """One row's runs."""
        return {member: entry.preset(preset).choose({**self.alike, self.vary: member}) for member in members}


def _named(names: str, known: list[str]) -> list[str]:
    if names == "all":
        return known
    found = [name.strip() for name in names.split(",") if name.strip()]
    for name in found:
        if name not in known:
            raise UsageError(f"unknown '{name}'. {nearest(name, known)}")
    if not found:
        raise UsageError(f"nothing chosen; there are {', '.join(known)}, or all")
    return found


SUITES: dict[str, Suite] = {
    "gtmm": Suite(
        name="gtmm",
        title="Generative temporal models with memory",
        summary="the seven tasks of Gemici et al. 2017, with every memory",
        entries=GTMM,
        vary="model.memory",
        members=COMPARED,
        metric={
            "perfect-recall": "kl_last",
            "parity-recall": "parity_accuracy",
            "one-shot-recall": "kl_last",
            "dynamic-dependency": "kl_last",
            "similarity-recall": "kl_last",
            "map-navigation": "kl_revisit",
            "room-rotation": "kl_recall",
        },
        alike={"model.prior": "gaussian"},  # the published one, which every memory can have
    )
}
