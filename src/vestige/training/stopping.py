"""A process that answers a signal whatever it is busy with."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
"""What asks a process to stop: a person, a scheduler, a terminal that closes, a scheduler that announces its end."""
GRACE = 2.0  # seconds in which the main thread may leave in its own way
INTERRUPTED = 130


def stopping_signals() -> tuple[signal.Signals, ...]:
    """Those of `NAMES` that this system has, without a SIGHUP that is ignored, which is what `nohup` does."""
    found = (signal.Signals[name] for name in NAMES if name in signal.Signals.__members__)
    return tuple(each for each in found if each.name != "SIGHUP" or signal.getsignal(each) != signal.SIG_IGN)


class Stoppable:
    """Within the block a stopping signal raises `KeyboardInterrupt`, or ends the process where nothing can be raised.

    Python runs the handler of a signal when its main thread is next in Python, and compiling a program is one call that
    may take minutes. A thread beside it hears of the signal at once. Where the main thread has not left the block
    `grace` seconds later, that thread ends the process with exit code 130, unless something is held.

    Ending it so is sound for what Vestige writes: every file is written under another name and then renamed, logs are
    written a line at a time, and locks of files go with their process. Not sound, and so to be held: updates that no
    checkpoint has yet, and processes that wait for this one. What others registered to be called at exit is not called.

    Outside the main thread, where Python cannot receive signals, it does nothing.

    **Arguments:**

    - `say`: called with the signal's name before the process is ended.
    - `leave`: ends the process.
    - `grace`: seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None] = lambda name: None,
        *,
        leave: Callable[[int], object] = os._exit,
        grace: float = GRACE,
    ):
        self.received: str | None = None
        """The last signal that was handled within the block."""
        self.broken_off = False
        """Whether it broke off a call of JAX: a thread of it may be compiling still, and is not to be waited for."""
        self._say, self._leave, self._grace = say, leave, grace
        self._held = False
        self._left = threading.Event()
        self._previous: dict[signal.Signals, object] = {}

    def hold(self, held: bool) -> None:
        """Say whether the process must not be ended now, but leaves by itself on request."""
        self._held = held

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler."""
        self.received = signal.Signals(number).name
        self.broken_off |= frame is not None and str(frame.f_globals.get("__name__")).startswith("jax.")
        raise KeyboardInterrupt

    def depart(self) -> None:
        """End the process where a call of JAX was broken off, after all that was begun has been put away. The
        interpreter's own end would wait for the compiling thread, and then fail in it."""
        if self.broken_off:
            _flushed()
            self._leave(INTERRUPTED)

    def __enter__(self) -> "Stoppable":
        if threading.current_thread() is threading.main_thread():
            self._read, self._write = os.pipe()
            os.set_blocking(self._write, False)
            self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
            self._watcher = threading.Thread(target=self._watch, daemon=True, name="signals")
            self._watcher.start()
            for number in stopping_signals():
                self._previous[number] = signal.signal(number, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if not self._previous:
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._write)
        self._watcher.join()
        os.close(self._read)

    def _watch(self) -> None:
        ours = {int(number): number.name for number in stopping_signals()}
        while arrived := os.read(self._read, 1):
            if arrived[0] in ours:
                self._wait(ours[arrived[0]])

    def _wait(self, name: str) -> None:
        """Until the main thread has left the block; at most `grace` seconds in which nothing is held."""
        since = time.monotonic()
        while not self._left.wait(0.05):
            if self._held:
                since = time.monotonic()
            elif time.monotonic() - since > self._grace:
                _flushed()
                self._say(name)
                self._leave(INTERRUPTED)
                return


def _flushed() -> None:
    """Write out what was printed; not for long, for the main thread may hold the stream."""

    def flush() -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    thread.join(0.5)
