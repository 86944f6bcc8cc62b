"""Where a run keeps what it produces, and how often."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from vestige.storage.locking import FolderLock


@dataclasses.dataclass(frozen=True)
class Cadence:
    """How often what is done, in updates.

    **Arguments:**

    - `log_every`, `checkpoint_every`, `evaluate_every`: periods; 0 switches evaluation off.
    - `evaluation_size`: held-out examples per evaluation.
    """

    log_every: int = 100
    checkpoint_every: int = 1000
    evaluate_every: int = 0
    evaluation_size: int = 256

    def __post_init__(self):
        for name in ("log_every", "checkpoint_every", "evaluation_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.evaluate_every < 0:
            raise ValueError(f"evaluate_every must not be negative, got {self.evaluate_every}")

    def next_stop(self, step: int, steps: int) -> int:
        """The first update after `step` at which something is due."""
        periods = [self.log_every, self.checkpoint_every] + [self.evaluate_every] * (self.evaluate_every > 0)
        return min(steps, *(step + period - step % period for period in periods))


@dataclasses.dataclass(frozen=True)
class Run:
    """The folder of one run: `metrics.jsonl`, `tensorboard/`, `checkpoints/`.

    **Arguments:**

    - `folder`: made if need be. A state found in it is continued, if `fingerprint` agrees.
    - `fingerprint`: identifies model, task, rule and optimiser.
    - `keep`: how many checkpoints to keep, at least 1.
    - `also`: fingerprints that the run had before it was made longer.
    - `lock`: the folder's lock, where the caller holds it already; otherwise `fit` takes it.
    """

    folder: Path
    fingerprint: str = ""
    keep: int = 3
    also: tuple[str, ...] = ()
    lock: FolderLock | None = None


@contextlib.contextmanager
def alone(run: Run | None, notice: Callable[[str], None]) -> Iterator[Run | None]:
    """Within the block nobody else writes into the folder of `run`; `notice` receives what is to be known of it.

    **Raises:** `UsageError` where somebody does.
    """
    if run is None or run.lock is not None:
        yield run
        return
    with FolderLock(run.folder, notice=notice) as lock:
        yield dataclasses.replace(run, lock=lock)
