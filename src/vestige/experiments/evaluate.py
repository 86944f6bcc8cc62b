"""The last judgement on a model, and where it is kept."""

import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vestige.errors import RunError
from vestige.experiments.contract import AbstractOptions, Built
from vestige.experiments.entry import Entry
from vestige.experiments.folder import EVALUATION


def evaluate(
    entry: Entry[Any], options: AbstractOptions, built: Built, model: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Final metrics with published numbers and bounds beside them, and the arrays for the report."""
    found = options.examine(built, model, key=jax.random.fold_in(built.key, 1))
    results = {
        "metrics": found.metrics,
        "metrics_train": found.metrics_train,
        "published": entry.published(options),
        "bounds": found.bounds,
    }
    return results, found.arrays


def write_evaluation(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write `evaluation.npz` whole or not at all. **Raises:** `RunError` where that fails."""
    partial = folder / (EVALUATION + ".partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
        os.replace(partial, folder / EVALUATION)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(f"cannot write {folder / EVALUATION}: {error.strerror}") from error
