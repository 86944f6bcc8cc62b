"""`fitted.json`: what a task fitted to its training data (scales, kept channels, sizes), sealed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.storage.digests import DIGEST, seal_holds, sealed
from vestige.storage.durable import DamagedFile, write_text
from vestige.storage.results import finite

FITTED = "fitted.json"


def write_fitted(folder: Path, fitted: Mapping[str, Any]) -> None:
    """Keep with the run in `folder` what was `fitted` on its training data, unless it has that already.

    **Raises:** `RunError` where it cannot be written.
    """
    path = folder / FITTED
    if fitted and not path.exists():
        write_text(path, json.dumps(sealed(finite(fitted)), indent=1, allow_nan=False) + "\n")


def read_fitted(folder: Path) -> dict[str, Any] | None:
    """What was fitted in the run in `folder`; None where nothing was.

    **Raises:** `DamagedFile` where the file is not what was written: with another scale every number would be wrong.
    """
    path = folder / FITTED
    try:
        fitted = gate.read_json(path)
    except gate.Missing:
        return None
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    if not seal_holds(fitted):
        raise DamagedFile(
            path,
            "is damaged: its content is not what was written (its digest differs); vestige verify --repair sets it "
            "aside, and the run's command with --resume fits it again",
        )
    return {name: value for name, value in fitted.items() if name != DIGEST}
