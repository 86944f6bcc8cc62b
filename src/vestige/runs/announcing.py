"""What is said of a run when it begins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def announcement(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """The lines that a run begins with: what it is, where it is kept, and on what it runs.

    **Arguments:**

    - `config`: what its `config.yaml` holds, with the number of parameters.
    - `folder`: of the run.
    """
    steps = config["all_options"].get("steps")
    updates = f", {steps:,} updates" if isinstance(steps, int) else ""
    return (
        f"{config['experiment']}, preset {config['preset']}, seed {config['seed']}{updates}",
        f"run folder: {folder}",
        f"device: {config['device']}; {config['parameters']:,} parameters",
    )
