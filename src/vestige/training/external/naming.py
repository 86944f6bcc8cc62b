"""The sinks of other programs by name."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError, nearest
from vestige.spec import load
from vestige.training.sinks import AbstractSink


class External(NamedTuple):
    """Another program that keeps metrics."""

    module: str
    """Which must be installed."""
    sink: str
    """The adapter, as `module:class`; called with the run folder and what its `config.yaml` holds."""


EXTERNAL: Mapping[str, External] = {
    "mlflow": External("mlflow", "vestige.training.external.mlflow:MLflow"),
    "wandb": External("wandb", "vestige.training.external.wandb:WeightsAndBiases"),
}


def check_sinks(names: Sequence[str]) -> None:
    """**Raises:** `UsageError` where one of the `names` is none, is given twice, or needs a package that is missing."""
    for name in names:
        if name not in EXTERNAL:
            raise UsageError(f"unknown sink '{name}'. {nearest(name, EXTERNAL)}")
        if names.count(name) > 1:
            raise UsageError(f"sink {name} was given {names.count(name)} times; give it once")
        if importlib.util.find_spec(EXTERNAL[name].module) is None:
            raise UsageError(f"sink {name} needs the package {name}; install it with pip install 'vestige[{name}]'")


def external_sinks(names: Sequence[str], folder: Path, config: Mapping[str, Any]) -> list[AbstractSink]:
    """Sinks of other programs for one run.

    **Arguments:**

    - `names`: keys of `EXTERNAL`.
    - `folder`: of the run; a run that goes on there goes on in the other program too.
    - `config`: what its `config.yaml` holds.

    **Returns:** the sinks, for `fit`.

    **Raises:** `UsageError` as `check_sinks`, and where the other program cannot be reached.
    """
    check_sinks(names)
    found = []
    for name in names:
        try:
            found.append(load(EXTERNAL[name].sink)(folder, config))
        except Exception as error:
            for sink in found:
                sink.close()
            raise UsageError(f"sink {name} cannot be opened: {type(error).__name__}: {error}") from error
    return found
