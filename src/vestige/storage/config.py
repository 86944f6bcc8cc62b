"""`config.yaml`: plain YAML, whose first line is the digest of all that follows."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.errors import UsageError
from vestige.storage.durable import DamagedFile, write_text

CONFIG = "config.yaml"
MARK = "# sha256 of the lines below: "
MARKED = re.compile(rf"{MARK}|[0-9a-f]{{64}}\s*$")
"""The mark of a first line that is, or was, that of a digest."""


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write `config` as `config.yaml` in `folder`, with its digest. **Raises:** `RunError` where that fails."""
    import yaml

    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    write_text(folder / CONFIG, f"{MARK}{_digest(text)}\n{text}")


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration in a run folder; one of an earlier version, or without its first line, has no digest.

    **Raises:** `DamagedFile` where it is no YAML, holds no mapping, or is not what was written; `UsageError` where
    there is no such folder, or no configuration in it.
    """
    path = folder / CONFIG
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give the folder of a run, as printed at its end")
    try:
        text = gate.read_text(path, limit=gate.YAML_BYTES)
    except gate.Missing as error:
        raise UsageError(f"{folder} is not a run folder: it has no {CONFIG}") from error
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    first, _, rest = text.partition("\n")
    if first != f"{MARK}{_digest(rest)}" and MARKED.search(first):
        raise DamagedFile(
            path,
            "is not what was written: its digest differs. If you changed it on purpose, remove its first line; else "
            "run the command of the run again with --resume, which writes it anew",
        )
    try:
        return gate.parse_yaml(text)
    except ValueError as error:
        raise DamagedFile(path, f"cannot be read as YAML: {error}") from error


def has_digest(folder: Path) -> bool:
    """Whether the configuration carries a digest."""
    return gate.read_bytes(folder / CONFIG, limit=gate.YAML_BYTES).startswith(MARK.encode())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
