"""A run, read from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige.errors import UsageError
from vestige.report.files import (
    ARRAYS,
    METRICS,
    RESULTS,
    SO_FAR,
    mapping,
    need_folder,
    read_arrays,
    read_config,
    read_lines,
    read_results,
    unlike_checkpoint,
    unlike_results,
)
from vestige.report.numbers import number
from vestige.storage.durable import DamagedFile
from vestige.storage.fit_file import read_fit
from vestige.storage.locking import holder

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Run:
    """What the files of one run folder hold, `results` being None while it still runs."""

    config: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    results: Mapping[str, Any] | None
    arrays: Mapping[str, "np.ndarray"]
    notes: tuple[str, ...] = ()
    fit: Mapping[str, Any] = field(default_factory=dict)
    """Why this model was chosen for a file, and who else predicts it how well; empty where it was not."""
    held: bool = False
    """Whether a process was writing into the folder when it was read."""

    @property
    def running(self) -> bool:
        """Whether the results have not been written yet."""
        return self.results is None

    @property
    def cut(self) -> bool:
        """Whether the run was stopped before its end: no results, and nobody who writes them."""
        return self.running and not self.held

    @property
    def metrics(self) -> dict[str, float | None]:
        """The results' metrics; of a running run, those of its last evaluation."""
        if self.results is not None:
            return {name: number(value) for name, value in mapping(self.results.get("metrics")).items()}
        evaluated = [line for line in self.lines if line.get("kind") == "evaluate"]
        last = evaluated[-1] if evaluated else {}
        outside = ("kind", "step", "seconds")
        return {name: number(value) for name, value in last.items() if name not in outside}

    @property
    def published(self) -> dict[str, Any]:
        """What others published of the same experiment."""
        return mapping((self.results or {}).get("published"))

    @property
    def bounds(self) -> dict[str, Any]:
        """The best and the chance value of each metric, and oracle curves."""
        return mapping((self.results or {}).get("bounds"))

    @property
    def updates(self) -> float | None:
        """How many updates were made (so far)."""
        done = number((self.results or {}).get("updates"))
        if done is not None:
            return done
        steps = [number(line.get("step")) for line in self.lines]
        return max((step for step in steps if step is not None), default=None)

    @property
    def seconds(self) -> float | None:
        """How long it took (so far)."""
        done = number((self.results or {}).get("seconds"))
        if done is not None or self.results is not None:
            return done
        seconds = [number(line.get("seconds")) for line in self.lines]
        return max((passed for passed in seconds if passed is not None), default=None)

    def stated(self, name: str) -> Any:
        """An entry of the results or, if they lack it, of the configuration."""
        value = (self.results or {}).get(name)
        return self.config.get(name) if value is None else value

    def curve(self, kind: str, name: str) -> dict[float, float]:
        """A metric over training, by step; where a resumed run went over a step again, the later counts."""
        points: dict[float, float] = {}
        for line in self.lines:
            step, value = number(line.get("step")), number(line.get(name))
            if line.get("kind") == kind and step is not None and value is not None:
                points[step] = value
        return dict(sorted(points.items()))

    def integer(self, name: str) -> int | None:
        """A whole number among the arrays, if it is there."""
        array = self.arrays.get(name)
        if array is None or array.size != 1 or array.dtype.kind not in "iuf":
            return None
        return int(array.reshape(()))


def read_run(folder: Path, *, arrays: bool = True) -> Run:
    """Read a run.

    **Arguments:**

    - `folder`: of the run.
    - `arrays`: whether to read the arrays too.

    **Returns:** what its files hold, with notes of what could not be read.

    **Raises:** `UsageError` that names what is missing where it is no run folder.
    """
    need_folder(folder)
    config = read_config(folder)
    results = read_results(folder)
    if results is None and not (folder / METRICS).is_file():
        raise UsageError(f"'{folder}' is not a run folder: both {METRICS} and {RESULTS} are missing.")
    lines, notes = read_lines(folder)
    fit, wrong = read_comparison_of_fit(folder)
    held = holder(folder) is not None
    if not arrays:
        return Run(config, tuple(lines), results, {}, (*notes, *wrong), fit, held)
    so_far = results is None and (folder / SO_FAR).is_file()
    stored, more = read_arrays(folder, SO_FAR if so_far else ARRAYS)
    unlike = unlike_checkpoint(folder) if results is None else unlike_results(folder, results)
    if any(note.startswith(ARRAYS) for note in unlike):
        stored, more = {}, []  # pictures of something else
    return Run(config, tuple(lines), results, stored, (*notes, *more, *unlike, *wrong), fit, held)


def read_comparison_of_fit(folder: Path) -> tuple[Mapping[str, Any], list[str]]:
    """What `vestige fit` kept of the run in `folder`, and a note where it is damaged."""
    try:
        return read_fit(folder) or {}, []
    except DamagedFile as error:
        return {}, [str(error)]
