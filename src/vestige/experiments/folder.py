"""The run folder: complete and readable without Vestige."""

import errno
import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from vestige import gate
from vestige.errors import RunError, UsageError

CONFIG, RESULTS, EVALUATION = "config.yaml", "results.json", "evaluation.npz"
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


def write_text(path: Path, text: str) -> None:
    """Write all of it or nothing. **Raises:** `RunError` where that fails."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON, with null for what is not a number."""
    write_text(path, json.dumps(_finite(value), indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and value - value != 0 else value


def read_json(path: Path) -> dict[str, Any]:
    """**Raises:** `UsageError` where the file is missing or damaged."""
    try:
        return gate.read_json(path)
    except gate.Missing as error:
        raise UsageError(f"{path} does not exist") from error


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of the run in `folder`.

    **Raises:** `UsageError` where there is no such run, or its configuration is damaged.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give the folder of a run, as printed at its end")
    try:
        config = gate.read_yaml(folder / CONFIG)
    except gate.Missing as error:
        raise UsageError(f"{folder} is not a run folder: it has no {CONFIG}") from error
    if "options" not in config:
        raise UsageError(f"{folder / CONFIG} is damaged: it holds no options")
    return config


def prepare(folder: Path, config: dict[str, Any], *, resume: bool) -> bool:
    """Make the folder of a new run; with `resume`, one that holds something is left as it is.

    **Returns:** whether it was made.

    **Raises:** `UsageError` where the folder exists (without `resume`), or cannot be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not resume:
            raise UsageError(f"{folder} exists. Choose another --out, or pass --resume to continue the run in it.")
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is read-only" if error.errno in (errno.EROFS, errno.EACCES) else error.strerror
        raise UsageError(f"cannot make the run folder {folder}: {reason}. Choose another --out.") from error
    write_text(folder / CONFIG, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return True
