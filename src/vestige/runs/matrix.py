"""The table of a suite, from the comparisons that are there."""

import statistics
from pathlib import Path
from typing import Any

from vestige.experiments.entry import Entry
from vestige.runs.folder import versions
from vestige.runs.suites import Suite
from vestige.storage.results import RESULTS, read_results

PUBLISHED_NAMES = {"none": "VRNN", "introspection": "Introspective", "ntm": "NTM", "lru": "LRU", "dnc": "DNC"}


def matrix(suite: Suite, rows: list[Entry], columns: list[str], folder: Path, *, command: str) -> dict[str, Any]:
    """What `results.json` of a suite holds. Comparisons that are missing leave their cells out.

    **Arguments:**

    - `suite`: of which it is.
    - `rows`, `columns`: the experiments, and the names of the members.
    - `folder`: of the suite.
    - `command`: as it was typed.
    """
    found = {entry.name: _members(folder / entry.name) for entry in rows}
    return {
        "title": suite.title,
        "rows": [entry.name for entry in rows],
        "columns": columns,
        "metric": {entry.name: suite.metric[entry.name] for entry in rows},
        "cells": {
            name: {
                member: _cell(name, member, members[member], suite.metric[name])
                for member in columns
                if member in members
            }
            for name, members in found.items()
        },
        "speed": _speed(found, columns),
        "command": command,
        "versions": versions(),
    }


def _members(folder: Path) -> dict[str, Any]:
    return read_results(folder / RESULTS)["members"] if (folder / RESULTS).exists() else {}


def _cell(name: str, member: str, summary: dict[str, Any], metric: str) -> dict[str, Any]:
    levels = summary["bounds"].get(metric, {})
    published = summary["published"].get("metrics", {}).get(PUBLISHED_NAMES.get(member, ""), {})
    value = summary["metrics"][metric]
    return {
        "median": value["median"],
        "low": value["low"],
        "high": value["high"],
        "values": value.get("values"),
        "published": published.get(metric),
        "ideal": levels.get("best"),
        "chance": levels.get("chance"),
        "seconds": summary["seconds"]["median"],
        "link": f"{name}/report.html",
    }


def _speed(found: dict[str, dict[str, Any]], columns: list[str]) -> dict[str, Any]:
    """Milliseconds per update, and their ratio to those of the first column: medians over the tasks that have both."""
    speed = {}
    for member in columns:
        pairs = [
            (members[member]["milliseconds"]["median"], members[columns[0]]["milliseconds"]["median"])
            for members in found.values()
            if member in members and columns[0] in members
        ]
        if pairs:
            weights = [members[member]["parameters"] for members in found.values() if member in members]
            speed[member] = {
                "milliseconds": statistics.median(own for own, _ in pairs),
                "ratio": statistics.median(own / other for own, other in pairs),
                "parameters": int(statistics.median(weights)),
            }
    return speed
