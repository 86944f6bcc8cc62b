"""One writer for a folder: a lock that names its owner, shows signs of life, and is taken over from the dead."""

import contextlib
import dataclasses
import datetime
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from vestige import gate
from vestige.errors import RunError, UsageError
from vestige.storage.durable import PARTIAL, write_text

try:
    import fcntl
except ImportError:  # not on Windows, where the file alone must do
    fcntl = None

LOCK = "lock.json"
BEAT_SECONDS = 5.0
"""How often an owner shows that it lives, by the file's time of change."""
STALE_SECONDS = 120.0
"""An owner on another machine that has shown no life for so long counts as dead."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """Who writes into a folder."""

    host: str
    machine: str
    """Start of the machine and space of process numbers: where both agree, a process number means the same."""
    pid: int
    started: str
    """When the process began, as the kernel counts; empty where that is not known. A number is used again."""
    since: str
    folder: int
    """The folder's number in its file system: a copy of a locked folder is not locked."""
    token: str

    @classmethod
    def here(cls, folder: Path) -> "Owner":
        """This process, as the owner of `folder`."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        pid, inode = os.getpid(), folder.stat().st_ino
        return cls(socket.gethostname(), _machine(), pid, _started(pid), now, inode, uuid.uuid4().hex)

    @property
    def alive(self) -> bool | None:
        """Whether the process lives; None where that cannot be seen from here."""
        if (self.host, self.machine) != (socket.gethostname(), _machine()):
            return None
        started = _started(self.pid)
        return _exists(self.pid) and (not started or not self.started or started == self.started)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"


def read_owner(folder: Path) -> Owner | None:
    """Who is named in a folder's lock; None where there is none, or where it cannot be read."""
    kinds = {field.name: field.type for field in dataclasses.fields(Owner)}
    try:
        given = gate.read_json(folder / LOCK)
    except gate.Unreadable:
        return None
    if given.keys() != kinds.keys():
        return None
    fits = all(type(given[name]) is kind for name, kind in kinds.items())
    return Owner(**given) if fits and given["pid"] > 0 else None


def holder(folder: Path) -> Owner | None:
    """The living owner of `folder`, or one on another machine that may live; None where anybody may write."""
    owner = read_owner(folder)
    try:
        if owner is None or owner.folder != folder.stat().st_ino:
            return None
        if owner.alive is not None:
            return owner if owner.alive else None
        return owner if _silence(folder) < STALE_SECONDS else None
    except OSError:  # released, or the folder removed, in between
        return None


def refuse_if_held(folder: Path) -> None:
    """**Raises:** `UsageError` where somebody writes into `folder`, with host, process and since when."""
    if owner := holder(folder):
        raise _held(folder, owner)


class FolderLock:
    """Within the block this process alone writes into a folder, which is made if need be.

    `lock.json` names host, process and since when; its time of change is a sign of life, renewed every 5 seconds. A
    lock is taken over, with a notice, at once where its owner was on this machine and is gone (process numbers are
    used again, so the start of the process counts too), from another machine after 120 seconds without a sign of
    life. On one machine the kernel keeps two from coming at the same moment (`flock` of the folder); on network file
    systems, where that may not hold, the file decides, and an owner that finds another name in it stops. Readers need
    no lock. Outside the block, also after an exception, the file is gone.

    **Arguments:**

    - `folder`: where one writer is to be.
    - `notice`: receives a sentence where a lock was taken over.
    - `patience`: seconds to wait for an owner that is about to end.

    **Raises:** on entering, `UsageError` that names the owner where there is one, or where the folder cannot be made;
    `check` raises `RunError`.
    """

    def __init__(self, folder: Path, *, notice: Callable[[str], None] = lambda _: None, patience: float = 0.0):
        self.folder, self.notice, self.patience = folder, notice, patience
        self._done = threading.Event()
        self._lost: str | None = None

    def __enter__(self) -> "FolderLock":
        self._descriptor = self._open()
        try:
            self._wait()
            self._take()
        except BaseException:
            self._close()
            raise
        self._thread = threading.Thread(target=self._beat, name="vestige-lock", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        if self._mine():
            with contextlib.suppress(OSError):  # the folder may be gone, or read-only by now; the process is dead soon
                (self.folder / LOCK).unlink()
        self._close()

    def check(self) -> None:
        """**Raises:** `RunError` where the folder has come to another owner, or its lock was removed."""
        if self._lost is None and not self._mine():
            self._lost = self._say_lost()
        if self._lost is not None:
            raise RunError(self._lost)

    def _open(self) -> int | None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return os.open(self.folder, os.O_RDONLY) if fcntl is not None else None
        except OSError as error:
            raise UsageError(
                f"cannot make the folder {self.folder}: {error.strerror}. Choose another --out."
            ) from error

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _wait(self) -> None:
        until = time.monotonic() + self.patience
        while not self._first():
            if time.monotonic() >= until:
                raise _held(self.folder, read_owner(self.folder))
            time.sleep(0.1)

    def _first(self) -> bool:
        """Whether nobody is there, as far as the kernel and the file know."""
        if fcntl is not None and self._descriptor is not None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:  # a file system without it
                pass
        return holder(self.folder) is None

    def _take(self) -> None:
        path = self.folder / LOCK
        before, there = read_owner(self.folder), os.path.lexists(path)
        self.owner = Owner.here(self.folder)
        try:
            write_text(path, json.dumps(dataclasses.asdict(self.owner), indent=1) + "\n")
        except RunError as error:
            raise UsageError(f"{error}. Choose another --out.") from error
        if before is not None and before.folder == self.owner.folder:
            self.notice(f"{self.folder} was being written by {before}, which is gone; its lock is taken over")
        elif there and before is None:
            self.notice(f"{path} could not be read; it is taken over")

    def _mine(self) -> bool:
        owner = read_owner(self.folder)
        return owner is not None and owner.token == self.owner.token

    def _say_lost(self) -> str:
        other = read_owner(self.folder)
        by = f"{other} has taken it over" if other else f"its {LOCK} was removed or damaged"
        return f"{self.folder} is no longer written by this process: {by}. Nothing more is written; --resume goes on"

    def _beat(self) -> None:
        while not self._done.wait(BEAT_SECONDS):
            try:
                if not self._mine():
                    self._lost = self._say_lost()
                    return
                os.utime(self.folder / LOCK)
            except OSError:  # a file system that is away for a moment; `check` looks again
                continue


def occupied(folder: Path) -> bool:
    """Whether a folder holds anything but a lock and files that were never finished."""
    if not os.path.lexists(folder):
        return False
    if not folder.is_dir():
        return True
    return any(path.name != LOCK and not path.name.endswith(PARTIAL) for path in folder.iterdir())


def _held(folder: Path, owner: Owner | None) -> UsageError:
    who = str(owner) if owner else "another process of this machine"
    silent = ""
    if owner is not None and owner.alive is None:
        with contextlib.suppress(OSError):
            silent = (
                f"; its last sign of life was {_silence(folder):.0f} s ago, and after {STALE_SECONDS:.0f} s its lock "
            )
            silent += "is taken over"
    return UsageError(f"{folder} is being written by {who}{silent}. Wait until it ends, or choose another --out.")


def _silence(folder: Path) -> float:
    """Seconds since the last sign of life, by the clock of the file system, which both machines share."""
    clock = folder / f".clock.{os.getpid()}{PARTIAL}"
    try:
        clock.touch()
        now = clock.stat().st_mtime
    except OSError:  # a folder that may only be read
        now = time.time()
    finally:
        with contextlib.suppress(OSError):
            clock.unlink()
    return now - (folder / LOCK).stat().st_mtime


def _machine() -> str:
    """The machine since its start and the name space of its processes; empty where the kernel does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process began, in ticks since the start of the machine; empty where that is not known."""
    fields = _status(pid)
    return fields[19] if len(fields) > 19 else ""


def _exists(pid: int) -> bool:
    """Whether a process lives; one that ended and whose parent has not read its exit code does not."""
    if _status(pid)[:1] in (["Z"], ["X"]):
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _status(pid: int) -> list[str]:
    """What the kernel reports of a process, after its name: state first; empty where it reports nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
