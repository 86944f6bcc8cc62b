"""Which run of another program belongs to a run folder."""

import json
from pathlib import Path

from vestige import gate
from vestige.storage.durable import write_text


def remembered(path: Path) -> dict[str, str]:
    """What was kept at `path` about the run of another program; empty where nothing can be read."""
    try:
        found = gate.read_json(path)
    except gate.Unreadable:
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def remember(path: Path, facts: dict[str, str]) -> None:
    """Keep `facts` at `path`. **Raises:** `RunError` where that fails."""
    write_text(path, json.dumps(facts, indent=1) + "\n")
