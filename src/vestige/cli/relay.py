"""Standard error of a process among many, without what JAX prints where another one is gone.

JAX ends a process whose run has lost another one: it prints a stack of C++ functions and aborts. Between a process and
its terminal there is therefore another one that passes on every line but these, and says in one what happened. This
file is that process too, and so imports nothing that takes long.
"""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

FATAL = re.compile(rb"[FE]\d{4} .*(Terminating process because the JAX distributed service|coordination service)")
"""How the block begins that JAX prints before it aborts."""
GONE = re.compile(rb"stopped sending heartbeats\):\n(\S+)")
OURS = b"vestige: "


def said_of(block: bytes, rank: int, size: int) -> bytes:
    """One line for the `block` that JAX printed, in process `rank` of `size`; empty where it is about nothing known."""
    if not FATAL.match(block):
        return b""
    if own := [line for line in block.splitlines(keepends=True) if line.startswith(OURS)]:
        return b"".join(own)  # the process had time to say it itself
    found = GONE.search(block)
    gone = [number.decode() for number in re.findall(rb"\d+", found[1])] if found else ["0"]
    of = f" of {size}" if size else ""
    said = (
        f"process {', '.join(gone)}{of} is gone, and this one, {rank}, ends with it. Every checkpoint that was written "
        "is whole: --resume goes on from the newest, with any number of processes"
    )
    if b"RegisterTask" in block:
        said = (
            f"process {rank}{of} waited in vain for the others. Start all of them with the same --coordinator and "
            "--processes, and each number from 0 once as --process-id; VESTIGE_JOIN_SECONDS gives them more time"
        )
    return OURS + said.encode() + b"\n"


def pass_on(source: int, target: int, rank: int, size: int) -> None:
    """Copy what is written to descriptor `source` to descriptor `target`, until it is closed.

    **Arguments:**

    - `source`, `target`: descriptors.
    - `rank`, `size`: of the process whose lines these are.
    """
    waiting = b""
    while chunk := os.read(source, 65536):
        waiting += chunk
        held = re.search(rb"^[FE]\d{4} ", waiting, re.MULTILINE)
        ready = waiting[: held.start()] if held else waiting
        if ready:
            _write(target, ready)
            waiting = waiting[len(ready) :]
        if held and not FATAL.match(waiting) and b"\n" in waiting:  # another line of XLA
            line, _, waiting = waiting.partition(b"\n")
            _write(target, line + b"\n")
    _write(target, said_of(waiting, rank, size) or waiting)


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


@contextlib.contextmanager
def relayed(rank: int, size: int) -> Iterator[dict[str, int]]:
    """Within the block standard error goes through another process, and an abort of JAX is exit code 1.

    **Arguments:**

    - `rank`, `size`: of this process.

    **Returns:** a context; `code` in its dictionary is that exit code, and may be set.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    before = os.dup(2)
    command = [sys.executable, "-I", "-S", __file__, str(rank), str(size)]
    helper = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=before, start_new_session=True
    )
    assert helper.stdin is not None
    ends = {"code": 1}
    os.dup2(helper.stdin.fileno(), 2)
    helper.stdin.close()
    answer = ctypes.CFUNCTYPE(None, ctypes.c_int)(
        lambda number: os._exit(ends["code"])
    )  # Python's own handlers run too late
    libc = ctypes.CDLL(None)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(int(signal.SIGABRT), answer)
    try:
        yield ends
    finally:
        libc.signal(int(signal.SIGABRT), None)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
        helper.wait()


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(each, signal.SIG_IGN)  # it ends when the process does whose lines it passes on
    with contextlib.suppress(OSError):
        pass_on(0, 2, int(sys.argv[1]), int(sys.argv[2]))
