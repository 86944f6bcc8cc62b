"""Metrics to Weights & Biases."""

import math
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige.storage.log import Record
from vestige.training.external.identity import remember, remembered
from vestige.training.sinks import AbstractSink

KEPT = "wandb.json"
PROJECT = "vestige"


class WeightsAndBiases(AbstractSink):
    """Every line of the log as metrics `train/NAME` and `evaluate/NAME` over `update` of one run of Weights & Biases.

    Without `$WANDB_API_KEY` it works offline: files go to `wandb/` in the run folder, and `wandb sync` sends them
    later. `$WANDB_MODE` and `$WANDB_PROJECT` count as usual. Which run it is, `wandb.json` in the run folder remembers,
    so that a resumed run goes on there.

    **Arguments:**

    - `folder`: of the run.
    - `config`: what its `config.yaml` holds.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]):
        import wandb  # pyright: ignore[reportMissingImports]

        kept = remembered(folder / KEPT)
        self.run_id = kept.get("run") or uuid.uuid4().hex[:12]
        remember(folder / KEPT, {"run": self.run_id})
        mode = os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "offline")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=self.run_id,
            name=folder.name,
            dir=str(folder),
            mode=mode,  # pyright: ignore[reportArgumentType]
            resume="allow",
            config={name: config[name] for name in ("experiment", "preset", "seed", "all_options") if name in config},
            settings=wandb.Settings(silent=True, console="off", disable_git=True),
        )
        self._run.define_metric("update")
        self._run.define_metric("*", step_metric="update")

    def write(self, record: Record) -> None:
        values = {
            f"{record['kind']}/{name}": value
            for name, value in record.items()
            if name not in ("kind", "step", "seconds") and value is not None and math.isfinite(value)
        }
        self._run.log({"update": record["step"], **values})

    def close(self) -> None:
        self._run.finish()
