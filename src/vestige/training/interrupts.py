"""SIGINT and SIGTERM as a question the loop asks between updates."""

import signal
import threading
from types import FrameType

from vestige.errors import VestigeError


class Interrupted(VestigeError):
    """The run was asked to stop and did, at a checkpoint where it has a folder (exit code 130)."""

    exit_code = 130


class Interrupts:
    """Within the block the first SIGINT or SIGTERM only sets `pending`; a second one raises at once.

    Outside the main thread, where Python cannot receive signals, `pending` stays None.
    """

    def __init__(self):
        self.pending: str | None = None
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.pending is not None:
            raise KeyboardInterrupt
        self.pending = signal.Signals(number).name
