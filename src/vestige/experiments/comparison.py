"""Several settings, several seeds, one table."""

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.folder import RESULTS, read_json, versions, write_json


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
) -> dict[str, Any]:
    """Run every member with every seed into `folder/<member>/seed-<seed>` and write the summary.

    `perform` carries out the plan, in turn or several at once, each run by `execute`; with `resume` it is to take
    finished runs as they are and to go on with those that were cut.

    **Returns:** what the comparison's `results.json` holds.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not resume:
        raise UsageError(f"{folder} exists. Choose another --out, or pass --resume to go on with it.")
    if resume and (folder / RESULTS).exists() and "members" not in read_json(folder / RESULTS):
        raise UsageError(f"{folder} holds a single run, not a comparison. Choose another --out.")
    runs = {name: [f"{name}/seed-{seed}" for seed in seeds] for name in members}
    perform([
        Planned(entry.name, members[name], seed, folder / runs[name][i])
        for i, seed in enumerate(seeds)
        for name in members
    ])  # fmt: skip
    done = {name: {where: read_json(folder / where / RESULTS) for where in runs[name]} for name in members}
    results = {
        "title": f"{entry.title}: {vary}" if vary else entry.title,
        "experiment": entry.name,
        "vary": vary,
        "members": {name: summarise(runs) for name, runs in done.items()},
        "command": command,
        "versions": versions(),
    }
    write_json(folder / RESULTS, results)
    return results
