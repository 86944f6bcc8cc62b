"""Code of the user's that follows a run, and may end it."""

import abc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vestige.errors import RunError
from vestige.storage.log import Record
from vestige.training.sinks import AbstractSink

if TYPE_CHECKING:
    from vestige.training.loop import Fit


class AbstractCallback(abc.ABC):  # noqa: B024  # a callback defines what it needs
    """Follows a run; define the methods that are of interest, the others do nothing.

    A method is called between two updates, after everything of that update is in the log and, where one is due, in a
    checkpoint. One that returns True ends the run after this update, at a checkpoint, as if it had no more updates.

    An error in a method ends the run too, with a `RunError` that names the callback, the method and the update; a
    checkpoint is written before, so `--resume` (or `fit` with the same folder) goes on from there. What a callback
    keeps to itself is not in the checkpoint: a callback that must survive a kill reads the log.
    """

    def on_log(self, record: Record) -> bool | None:
        """A line of the log with means over the last updates was written.

        **Arguments:**

        - `record`: `kind` "train", `step`, `seconds`, and the metrics of the rule.

        **Returns:** True to end the run.
        """
        return None

    def on_evaluation(self, record: Record, model: Any) -> bool | None:
        """The model was evaluated on held-out examples.

        **Arguments:**

        - `record`: `kind` "evaluate", `step`, `seconds`, and the metrics of the task.
        - `model`: as it is now; its arrays are given to the next update, so copy what is to be kept.

        **Returns:** True to end the run.
        """
        return None

    def on_checkpoint(self, step: int, folder: Path) -> bool | None:
        """A checkpoint was written.

        **Arguments:**

        - `step`: updates that are done.
        - `folder`: of the checkpoint; it is removed when newer ones replace it.

        **Returns:** True to end the run.
        """
        return None

    def on_end(self, fit: "Fit") -> None:
        """The run came to its end; not called where it was interrupted or failed.

        **Arguments:**

        - `fit`: what `fit` is about to return.
        """
        return None


class CallbackFailed(RunError):
    """A method of a callback raised an error."""


class Observers:
    """The sinks and callbacks of the user, kept apart from the run: their errors are named, and corrupt nothing.

    A sink that fails is left out from then on, with a notice: the log of the run folder has everything.

    **Arguments:**

    - `sinks`, `callbacks`: in the order in which they are called.
    - `note`: receives a sentence for a sink that failed.
    """

    def __init__(
        self, sinks: Sequence[AbstractSink], callbacks: Sequence[AbstractCallback], note: Callable[[str], None]
    ):
        self._sinks, self._callbacks, self._note = list(sinks), tuple(callbacks), note
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self.ended_by = ""
        """The callback that wants the run to end; empty: none."""

    def write(self, record: Record) -> None:
        """Give a line of the log to every sink; callbacks receive it when they are notified."""
        for sink in list(self._sinks):
            try:
                sink.write(record)
            except Exception as error:
                self._sinks.remove(sink)
                self._note(
                    f"sink {type(sink).__name__} failed at update {record['step']} and gets no more records: "
                    f"{type(error).__name__}: {error}"
                )
                self._close(sink)

    def queue(self, method: str, *arguments: Any) -> None:
        """Have a method of every callback called when this update is finished."""
        if self._callbacks:
            self._waiting.append((method, arguments))

    def notify(self, step: int) -> str:
        """Call what was queued, after update `step`. **Returns:** `ended_by`. **Raises:** `CallbackFailed`."""
        waiting, self._waiting = self._waiting, []
        for method, arguments in waiting:
            for callback in self._callbacks:
                try:
                    ended = getattr(callback, method)(*arguments)
                except Exception as error:
                    raise CallbackFailed(
                        f"callback {type(callback).__name__}.{method} failed at update {step}: "
                        f"{type(error).__name__}: {error}"
                    ) from error
                if ended is True and not self.ended_by:
                    self.ended_by = type(callback).__name__
        return self.ended_by

    def close(self) -> None:
        """Nothing more will come."""
        for sink in self._sinks:
            self._close(sink)

    def _close(self, sink: AbstractSink) -> None:
        try:
            sink.close()
        except Exception as error:
            self._note(f"sink {type(sink).__name__} could not be closed: {type(error).__name__}: {error}")
