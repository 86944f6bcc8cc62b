"""`results.json` of a run, a comparison or a suite: what it must hold, and its seal; `study.json` has the same seal."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.errors import UsageError
from vestige.storage.digests import DIGEST, seal_holds, sealed
from vestige.storage.durable import DamagedFile, write_text

RESULTS = "results.json"
STUDY = "study.json"
JOURNAL = "study.journal"  # what Optuna writes beside it
OF_RUNS: Mapping[str, type | tuple[type, ...]] = {
    "metrics": dict,
    "metrics_train": dict,
    "published": dict,
    "bounds": dict,
    "updates": int,
    "seconds": (int, float, type(None)),
    "milliseconds": (int, float, type(None)),
    "parameters": int,
    "peak_rss_bytes": (int, float, type(None)),
    "files": dict,
}
OF_COMPARISONS: Mapping[str, type | tuple[type, ...]] = {"members": dict}
OF_SUITES: Mapping[str, type | tuple[type, ...]] = {"rows": list, "columns": list, "cells": dict, "metric": dict}
OF_STUDIES: Mapping[str, type | tuple[type, ...]] = {"metric": str, "space": dict, "trials": list}
REQUIRED = ("metrics",)


def write_results(path: Path, results: Mapping[str, Any]) -> dict[str, Any]:
    """Write `results` to `path` with their digest, and null for what is not a number.

    **Returns:** what is in the file. **Raises:** `RunError` where it cannot be written.
    """
    written = sealed(finite(results))
    write_text(path, json.dumps(written, indent=1, allow_nan=False) + "\n")
    return written


def read_results(path: Path) -> dict[str, Any]:
    """What a `results.json` holds; those of earlier versions have no digest.

    **Raises:** `DamagedFile` where it is not JSON, lacks what it must hold, or is not what was written; `UsageError`
    where there is none.
    """
    try:
        results = gate.read_json(path)
    except gate.Missing as error:
        raise UsageError(f"{path} does not exist") from error
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    fault = fault_of(results)
    if fault:
        raise DamagedFile(path, fault)
    return results


def fault_of(results: Any) -> str:
    """What is wrong with results, to follow the file's name; empty where nothing is."""
    if not isinstance(results, Mapping):
        return "does not hold an object of results"
    if DIGEST in results and not seal_holds(results):
        return "is damaged: its content is not what was written (its digest differs)"
    if results.get("kind") == "study":
        return _misfit(results, OF_STUDIES, required=tuple(OF_STUDIES))
    if "members" in results:
        return _misfit(results, OF_COMPARISONS, required=("members",))
    if "rows" in results or "cells" in results:
        return _misfit(results, OF_SUITES, required=("rows", "columns"))
    fault = _misfit(results, OF_RUNS, required=REQUIRED)
    return fault or _no_numbers(results["metrics"])


def finite(value: Any) -> Any:
    """A plain value with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and value - value != 0 else value


def _misfit(results: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]], required: tuple[str, ...]) -> str:
    for name in required:
        if name not in results:
            return f"is damaged: it has no {name}"
    for name, kind in kinds.items():
        if name in results and (not isinstance(results[name], kind) or isinstance(results[name], bool)):
            return f"is damaged: {name} is {json.dumps(results[name])[:40]}"
    return ""


def _no_numbers(metrics: Mapping[str, Any]) -> str:
    for name, value in metrics.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            return f"is damaged: metric {name} is {json.dumps(value)[:40]}"
    return ""
