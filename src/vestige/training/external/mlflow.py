"""Metrics to MLflow."""

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige.storage.log import Record
from vestige.training.external.identity import remember, remembered
from vestige.training.sinks import AbstractSink

KEPT = "mlflow.json"
EXPERIMENT = "vestige"
LONGEST_PARAMETER = 500


class MLflow(AbstractSink):
    """Every line of the log as metrics `train/NAME` and `evaluate/NAME` of one MLflow run, with the options of the run.

    The tracking server is that of `$MLFLOW_TRACKING_URI`; by default a SQLite file, `mlflow.db` in the present folder
    (`mlflow ui --backend-store-uri sqlite:///mlflow.db` shows it). Which run it is, `mlflow.json` in the run folder
    remembers, so that a resumed run goes on there; lines that are written again after a kill appear twice, equal.

    **Arguments:**

    - `folder`: of the run.
    - `config`: what its `config.yaml` holds.
    - `uri`: of the tracking server, in place of the variable.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], *, uri: str | None = None):
        from mlflow.entities import Metric, Param  # pyright: ignore[reportMissingImports]
        from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]

        self._metric, self._steps = Metric, config.get("all_options", {}).get("steps")
        kept = remembered(folder / KEPT)
        where = (
            uri
            or os.environ.get("MLFLOW_TRACKING_URI")
            or kept.get("uri")
            or f"sqlite:///{Path('mlflow.db').absolute()}"
        )
        self._client = MlflowClient(tracking_uri=where)
        self._last = 0
        if kept.get("uri") == where and kept.get("run"):
            self.run = kept["run"]
            self._client.update_run(self.run, status="RUNNING")
            return
        known = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else self._client.create_experiment(EXPERIMENT)
        self.run = self._client.create_run(experiment, run_name=folder.name).info.run_id
        facts = {name: config[name] for name in ("experiment", "preset", "seed") if name in config}
        options = {**facts, **config.get("all_options", {})}
        parameters = [Param(name, str(value)[:LONGEST_PARAMETER]) for name, value in options.items() if name]
        for first in range(0, len(parameters), 100):  # as many as a server takes at once
            self._client.log_batch(self.run, params=parameters[first : first + 100])
        self._client.set_tag(self.run, "vestige.folder", str(folder.absolute()))
        remember(folder / KEPT, {"uri": where, "run": self.run})

    def write(self, record: Record) -> None:
        self._last = record["step"]
        now = int(1000 * time.time())
        found = [
            self._metric(f"{record['kind']}/{name}", float(value), now, record["step"])
            for name, value in record.items()
            if name not in ("kind", "step", "seconds") and value is not None and math.isfinite(value)
        ]
        self._client.log_batch(self.run, metrics=found)

    def close(self) -> None:
        whole = self._steps is None or self._last >= self._steps
        self._client.set_terminated(self.run, status="FINISHED" if whole else "KILLED")
