"""A study of tuning, read from its folder."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.errors import UsageError
from vestige.report.files import inside, mapping
from vestige.report.metric_facts import Metric
from vestige.report.metrics import metric
from vestige.report.numbers import number
from vestige.storage.digests import seal_holds
from vestige.storage.durable import DamagedFile
from vestige.storage.results import STUDY


@dataclass(frozen=True)
class Tried:
    """One trial."""

    number: int
    state: str
    """complete, pruned, fail or running."""
    value: float | None
    """At the end; of a pruned trial where it was ended."""
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    seconds: float | None = None
    updates: int | None = None
    error: str = ""

    @property
    def page(self) -> str | None:
        """The folder, where it lies in that of the study."""
        return self.folder if inside(self.folder) and self.state in ("complete", "pruned") else None


@dataclass(frozen=True)
class Study:
    """What `study.json` holds."""

    results: Mapping[str, Any]
    metric: Metric
    lower: bool
    trials: tuple[Tried, ...]

    @property
    def complete(self) -> list[Tried]:
        """The trials that have a value at their end, best first."""
        found = [each for each in self.trials if each.state == "complete" and each.value is not None]
        return sorted(found, key=lambda each: ((each.value or 0.0) * (1 if self.lower else -1), each.number))

    @property
    def best(self) -> Tried | None:
        """The first of those with the best value; the default options where nothing is better."""
        complete = self.complete
        tied = [each for each in complete if each.value == complete[0].value]
        return min(tied, key=lambda each: each.number) if tied else None

    @property
    def default(self) -> Tried | None:
        """The trial of the default options."""
        wanted = self.results.get("default_trial")
        return next((each for each in self.trials if each.number == wanted), None)

    def options_of(self, tried: Tried) -> dict[str, Any]:
        """All options that were searched, as a trial had them: what it did not draw is at its default."""
        return {**mapping(self.results.get("defaults")), **tried.options}

    def repeat(self, tried: Tried, *, seeds: int = 3) -> str:
        """The command that runs a trial's options with seeds that no trial had, on the test part where there is one."""
        seed = self.results.get("seed")
        first = (seed if isinstance(seed, int) else 0) + 1
        path = tried.folder if Path(tried.folder).is_absolute() else f"RUN/{tried.folder}"
        words = ["vestige", "run", f"{path}/config.yaml", "--seed", str(first), "--seeds", str(seeds)]
        if "test part stays unseen" in str(self.results.get("chosen_on")):
            words += ["--task.held-out", "test"]
        return shlex.join(words)


def is_study(folder: Path) -> bool:
    """Whether the folder is that of a study."""
    return os.path.lexists(folder / STUDY)


def read_study(folder: Path) -> Study:
    """The study in `folder`.

    **Raises:** `UsageError` where there is none, or its file is damaged.
    """
    try:
        results = gate.read_json(folder / STUDY)
    except gate.Missing as error:
        raise UsageError(f"'{folder}' is not the folder of a study: {STUDY} is missing.") from error
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    if not seal_holds(results):
        raise DamagedFile(folder / STUDY, "is damaged: its content is not what was written (its digest differs)")
    trials = results.get("trials")
    found = [_tried(mapping(each)) for each in trials] if isinstance(trials, list) else []
    return Study(
        results, metric(str(results.get("metric"))), bool(results.get("lower_is_better")), tuple(filter(None, found))
    )


def _tried(given: Mapping[str, Any]) -> Tried | None:
    label, updates = given.get("number"), given.get("updates")
    if not isinstance(label, int):
        return None
    return Tried(
        label,
        str(given.get("state")),
        number(given.get("value")),
        mapping(given.get("options")),
        str(given.get("folder", "")),
        number(given.get("seconds")),
        updates if isinstance(updates, int) else None,
        str(given.get("error") or ""),
    )
