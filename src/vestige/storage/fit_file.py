"""`fit.json`: why a model was chosen for a table, and who predicts it how well, sealed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.storage.digests import DIGEST, seal_holds, sealed
from vestige.storage.durable import DamagedFile, write_text
from vestige.storage.results import finite

FIT = "fit.json"


def write_fit(folder: Path, found: Mapping[str, Any]) -> None:
    """Keep with the run in `folder` what was `found`; in place of what was there.

    **Raises:** `RunError` where it cannot be written.
    """
    write_text(folder / FIT, json.dumps(sealed(finite(found)), indent=1, allow_nan=False) + "\n")


def read_fit(folder: Path) -> dict[str, Any] | None:
    """What was found of the run in `folder`; None where it was not fitted so.

    **Raises:** `DamagedFile` where the file is not what was written.
    """
    path = folder / FIT
    try:
        found = gate.read_json(path)
    except gate.Missing:
        return None
    except gate.Unreadable as error:
        raise DamagedFile.of(error) from error
    if not isinstance(found, Mapping) or not seal_holds(found):
        raise DamagedFile(
            path,
            "is damaged: its content is not what was written (its digest differs); vestige fit with --resume makes it "
            "again",
        )
    return {name: value for name, value in found.items() if name != DIGEST}
