"""The run folder: complete and readable without Vestige."""

import errno
import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vestige.errors import UsageError
from vestige.storage.config import CONFIG, read_config, write_config
from vestige.storage.durable import DamagedFile, write_text
from vestige.storage.locking import occupied
from vestige.storage.results import finite

LOG, CHECKPOINTS = "metrics.jsonl", "checkpoints"
EVALUATION = "evaluation.npz"
SO_FAR = "evaluation-so-far.npz"
"""The arrays of a run that is still going, as `vestige report` makes them from its newest checkpoint."""
DISTRIBUTIONS = ("vestige", "jax", "jaxlib", "equinox", "optax", "orbax-checkpoint", "numpy")


def fingerprint(*parts: Any) -> str:
    """A digest of plain values: equal exactly where all of them are."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """What a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in DISTRIBUTIONS}}


def device() -> str:
    """The machine in words: accelerator, or processor and cores."""
    import jax

    first = jax.devices()[0]
    kind = first.device_kind if first.platform != "cpu" else f"{platform.machine()} CPU, {os.cpu_count()} cores"
    return f"{jax.device_count()} x {kind}" if jax.device_count() > 1 else kind


def write_json(path: Path, value: Any) -> None:
    """Write JSON, with null for what is not a number.

    **Arguments:**

    - `path`: of the file.
    - `value`: plain values.

    **Raises:** `RunError` where that fails.
    """
    write_text(path, json.dumps(finite(value), indent=1, allow_nan=False) + "\n")


def prepare(folder: Path, config: dict[str, Any], *, resume: bool) -> bool:
    """Make the folder of a new run; with `resume`, one that holds something is left as it is.

    **Arguments:**

    - `folder`: where; a lock in it does not count.
    - `config`: what `config.yaml` is to hold.

    **Returns:** whether it was made.

    **Raises:** `UsageError` where the folder exists (without `resume`), or cannot be made.
    """
    need_free(folder, resume=resume)
    if occupied(folder):
        return False
    make(folder)
    write_config(folder, config)
    return True


def need_free(folder: Path, *, resume: bool) -> None:
    """**Raises:** `UsageError` where `folder` holds something already, without `resume`; a lock does not count."""
    if occupied(folder) and not resume:
        raise UsageError(f"{folder} exists. Choose another --out, or pass --resume to continue what is in it.")


def make(folder: Path) -> None:
    """Make a folder, with those above it. **Raises:** `UsageError` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is read-only" if error.errno in (errno.EROFS, errno.EACCES) else error.strerror
        raise UsageError(f"cannot make the run folder {folder}: {reason}. Choose another --out.") from error


def read_options(folder: Path) -> dict[str, Any]:
    """The configuration of the run in `folder`.

    **Raises:** `UsageError` where there is no such run, or its configuration is damaged.
    """
    config = read_config(folder)
    if "options" not in config:
        raise DamagedFile(folder / CONFIG, "is damaged: it holds no options")
    return config
