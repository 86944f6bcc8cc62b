"""What a run keeps in its folder while it goes on: its log, and checkpoints that seal it."""

from collections.abc import Callable

from vestige.storage.log import Record
from vestige.training.background import Background, Written
from vestige.training.callbacks import Observers
from vestige.training.checkpoints import Checkpoints
from vestige.training.run import Run
from vestige.training.sinks import AbstractSink, JsonLines, TensorBoard
from vestige.training.state import RunState
from vestige.training.team import AbstractTeam


class Saver:
    """Writes log and checkpoints of a run. Without a folder it does nothing.

    A checkpoint holds the digest of the log up to its update. There is one of an update, however often it is saved.

    **Arguments:**

    - `run`: the folder, held by the leader; None: there is none.
    - `team`: the processes of the run. All call the same methods after the same update; the leader alone has the log.
    - `note`: receives a sentence for what was found damaged.
    - `observers`: are notified of checkpoints that are safe.
    """

    def __init__(self, run: Run | None, team: AbstractTeam, *, note: Callable[[str], None], observers: Observers):
        self.checkpoints: Checkpoints | None = None
        """Of the run; None without a folder."""
        self.seconds = 0.0
        """Wall time of the parts of the run before this one, by its log."""
        self._run, self._team, self._note, self._observers = run, team, note, observers
        self._background: Background | None = None
        self._lines: JsonLines | None = None
        self._sinks: list[AbstractSink] = []
        self._saved = -1
        if run is not None:
            options = {"fingerprint": run.fingerprint, "also": run.also, "keep": run.keep, "team": team}
            self.checkpoints = Checkpoints(run.folder / "checkpoints", **options)
            self._background = Background(self.checkpoints, team)

    def restore(self, state: RunState) -> RunState:
        """Go on from the newest checkpoint, and open the log at its update.

        **Arguments:**

        - `state`: of a run that begins.

        **Returns:** the state that was saved; `state` where there is none.

        **Raises:** `UsageError` where the checkpoint is of another configuration, `RunError` where the log cannot be
        written.
        """
        if self._run is None or self.checkpoints is None:
            return state
        state, found, notices = self.checkpoints.restore(state)
        for notice in notices:
            self._note(notice)
        if found is not None:
            self._note(f"continuing from update {found}")
        if self._team.leads:
            step = int(state.step)
            sealed = self.checkpoints.log_digest(step)
            self._lines = JsonLines(self._run.folder / "metrics.jsonl", step=step, sealed=sealed)
            for notice in self._lines.notices:
                self._note(notice)
            self._sinks = [self._lines, TensorBoard(self._run.folder / "tensorboard", step=step)]
            self.seconds = self._lines.seconds
        return state

    def log(self, record: Record) -> None:
        """Write a line of the log: a `record`. **Raises:** `RunError` where it cannot be written."""
        for sink in self._sinks:
            sink.write(record)

    def save(self, state: RunState, step: int, *, wait: bool = True) -> None:
        """Write a checkpoint, after the one that is under way.

        **Arguments:**

        - `state`, `step`: the state after `step` updates. Its arrays may be given away afterwards.
        - `wait`: until it is safe on disk.

        **Raises:** `RunError` where it, or the one before, cannot be written, or the folder was taken over.
        """
        if self._run is None or self._background is None:
            return
        self._tell(self._background.settle())
        if self._saved == step:
            return
        if self._run.lock is not None:
            self._run.lock.check()
        log, self._saved = self._lines.seal() if self._lines is not None else "", step
        if wait and self.checkpoints is not None:  # no second state in memory
            self._tell([Written(step, self.checkpoints.save(state, step, log=log))])
        else:
            self._background.begin(state, step, log=log)

    def poll(self) -> None:
        """Take note of a checkpoint that has been written meanwhile. **Raises:** `RunError` where it could not be."""
        if self._background is not None:
            self._tell(self._background.done())

    def settle(self) -> None:
        """Wait for the checkpoint that is under way, whether or not it can be written: the run ends by an error."""
        if self._background is not None:
            self._background.close()

    def close(self) -> None:
        """Nothing more will come: `settle`, and close the log."""
        self.settle()
        for sink in self._sinks:
            sink.close()

    def _tell(self, found: list[Written]) -> None:
        for each in found:
            for notice in each.notices:
                self._note(notice)
            if self.checkpoints is not None:
                self._observers.queue("on_checkpoint", each.step, self.checkpoints.folder / str(each.step))
