"""Signals as a question the loop asks between updates."""

import signal
import threading
from types import FrameType

from vestige.errors import VestigeError
from vestige.training.stopping import INTERRUPTED, Stoppable, stopping_signals


class Interrupted(VestigeError):
    """The run received a request to stop and did, at a checkpoint where it has a folder (exit code 130)."""

    exit_code = INTERRUPTED


class Interrupts:
    """Within the block the first SIGINT, SIGTERM, SIGHUP or SIGUSR1 only sets `pending`; a second one raises at once.

    A `pending` that nobody has answered when the block ends is handed to the `Stoppable` around it, if there is one.
    Outside the main thread, where Python cannot receive signals, `pending` stays None.
    """

    def __init__(self):
        self.pending: str | None = None
        self._previous: dict[signal.Signals, object] = {}

    @property
    def _around(self) -> Stoppable | None:
        return next((each for each in self._previous.values() if isinstance(each, Stoppable)), None)

    def hold(self, held: bool) -> None:
        """Say whether there is something to be kept before the process may end: updates that no checkpoint has yet,
        processes that wait for this one. Where nothing is, a process that compiles is ended without it."""
        if self._around is not None:
            self._around.hold(held)

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in stopping_signals():
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        around = self._around
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]
        if around is not None:
            around.hold(False)
            if self.pending is not None and kind is None:
                around(signal.Signals[self.pending], None)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.pending is not None:
            if self._around is not None:
                self._around(number, frame)
            raise KeyboardInterrupt
        self.pending = signal.Signals(number).name
