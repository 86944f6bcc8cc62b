"""Several settings, several seeds, one table."""

import os
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.runs.folder import CONFIG, make, need_free, versions
from vestige.storage.durable import DamagedFile, set_aside, sweep
from vestige.storage.locking import FolderLock
from vestige.storage.results import RESULTS, read_results, write_results

SUMMARISED = (
    "metrics", "published", "bounds", "seconds", "milliseconds", "peak_rss_bytes", "updates", "parameters",
)  # fmt: skip
"""What the results of a run must hold for a comparison."""


def median(values: list[float | None]) -> float | None:
    """Of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def spread(values: list[float | None]) -> dict[str, Any]:
    """Median, lowest and highest of several seeds, and the values themselves, None for what is not a number."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (None, None)
    return {"median": median(values), "low": low, "high": high, "values": values}


def summarise(runs: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One member of a comparison from the results of its seeds, `{relative folder: results}`."""
    every = list(runs.values())
    names = every[0]["metrics"]
    return {
        "metrics": {name: spread([results["metrics"][name] for results in every]) for name in names},
        "published": every[0]["published"],
        "bounds": {
            name: {kind: median([results["bounds"][name][kind] for results in every]) for kind in levels}
            for name, levels in every[0]["bounds"].items()
            if name != "curves"
        },
        "seconds": spread([results["seconds"] for results in every]),
        "milliseconds": spread([results["milliseconds"] for results in every]),
        "peak_rss_bytes": spread([float(results["peak_rss_bytes"]) for results in every]),
        "updates": every[0]["updates"],
        "parameters": every[0]["parameters"],
        "runs": list(runs),
    }


class Planned(NamedTuple):
    """One run of a comparison."""

    entry: str
    """Its name in the catalogue."""
    experiment: Experiment
    seed: int
    folder: Path


def compare(
    entry: Entry,
    members: Mapping[str, Experiment],
    *,
    vary: str,
    seeds: list[int],
    folder: Path,
    command: str,
    resume: bool = False,
    perform: Callable[[list[Planned]], None],
    notice: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run every member with every seed into `folder/<member>/seed-<seed>` and write the summary. Meanwhile the folder
    is locked.

    **Arguments:**

    - `entry`, `members`: the runs, by the names of their settings. `vary`: the option that makes them differ.
    - `seeds`: of every member. `folder`: of the comparison. `command`: how it was started.
    - `resume`: go on with what is in the folder.
    - `perform`: carries out the plan, in turn or several at once, each run by `execute`; with `resume` it is to take
      finished runs as they are and to go on with those that were cut.
    - `notice`: receives a sentence for results that were damaged and set aside.

    **Returns:** what the comparison's `results.json` holds.

    **Raises:** `UsageError` where the folder exists (without `resume`), is not that of a comparison, or another process
    writes into it.
    """
    need_free(folder, resume=resume)
    make(folder)
    with FolderLock(folder, notice=notice):
        sweep(folder)
        _take_aside(folder, notice)
        return _compared(entry, members, vary, seeds, folder, command, perform)


def _take_aside(folder: Path, notice: Callable[[str], None]) -> None:
    """Damaged results; they are made again. **Raises:** `UsageError` for those of a single run."""
    path, single = folder / RESULTS, os.path.lexists(folder / CONFIG)
    try:
        single = single or (os.path.lexists(path) and "members" not in read_results(path))
    except DamagedFile as error:
        notice(f"{error}; set aside as {set_aside(path).name}, to be made again from the runs")
        return
    if single:
        raise UsageError(f"{folder} holds a single run, not a comparison. Choose another --out.")


def _compared(
    entry: Entry,
    members: Mapping[str, Experiment],
    vary: str,
    seeds: list[int],
    folder: Path,
    command: str,
    perform: Callable[[list[Planned]], None],
) -> dict[str, Any]:
    runs = {name: [f"{name}/seed-{seed}" for seed in seeds] for name in members}
    perform([
        Planned(entry.name, members[name], seed, folder / runs[name][i])
        for i, seed in enumerate(seeds)
        for name in members
    ])  # fmt: skip
    done = {name: {where: _complete(folder / where / RESULTS) for where in runs[name]} for name in members}
    results = {
        "title": f"{entry.title}: {vary}" if vary else entry.title,
        "experiment": entry.name,
        "vary": vary,
        "members": {name: summarise(runs) for name, runs in done.items()},
        "command": command,
        "versions": versions(),
    }
    return write_results(folder / RESULTS, results)


def _complete(path: Path) -> dict[str, Any]:
    """The results of one run, with all that a summary needs. **Raises:** `UsageError`."""
    results = read_results(path)
    lacking = [name for name in SUMMARISED if name not in results]
    if lacking:
        raise UsageError(
            f"{path} lacks {', '.join(lacking)}: an earlier version wrote it. Rename it and pass --resume: it is made "
            "again, from the newest checkpoint"
        )
    return results
