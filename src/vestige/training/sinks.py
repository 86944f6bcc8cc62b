"""Where metrics go: one record per line of the log."""

import abc
import hashlib
import json
import math
import os
import time
from pathlib import Path
from typing import Any

from vestige.errors import RunError
from vestige.storage.durable import copy_aside, set_aside, writing
from vestige.storage.log import Record, digest_of_log, read_log


class AbstractSink(abc.ABC):
    """Receives records in the order of their steps."""

    @abc.abstractmethod
    def write(self, record: Record) -> None:
        """Keep one `record`, whose step is not below that of the record before; it is safe when this returns."""

    @abc.abstractmethod
    def close(self) -> None:
        """Nothing more will come."""


class JsonLines(AbstractSink):
    """`metrics.jsonl`: one JSON object a line, flushed at once; not-a-number becomes null.

    Opening it at `step` drops whatever lies beyond: a run that resumes from a checkpoint writes those lines
    again. Where lines are damaged, or are not those that the checkpoint has sealed, the file is kept as
    `metrics.jsonl.damaged-1` and the run goes on with the lines that can be read.

    **Arguments:**

    - `path`: the file.
    - `step`: updates that are done.
    - `sealed`: digest of the log up to there, as the checkpoint has it; empty where it has none.

    **Raises:** `RunError` where the file cannot be written.
    """

    def __init__(self, path: Path, *, step: int, sealed: str = ""):
        self.path, self.notices = path, list[str]()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = self._kept(step, sealed)
            with writing(path) as file:
                file.write(kept)
            self._file = path.open("ab")
        except OSError as error:
            raise RunError(f"cannot write {path}: {error.strerror}") from error
        self._digest = hashlib.sha256(kept)

    def _kept(self, step: int, sealed: str) -> bytes:
        """The lines of the updates that are done."""
        self.seconds = 0.0
        if os.path.lexists(self.path) and not self.path.is_file():
            self.notices.append(f"{self.path} is no file; set aside as {set_aside(self.path).name}, its lines are lost")
            return b""
        log = read_log(self.path)
        kept = log.until(step)
        self.seconds = max((line.record["seconds"] for line in log.lines if line.record["step"] <= step), default=0.0)
        differs = bool(sealed) and digest_of_log(kept) != sealed
        if step and not os.path.lexists(self.path):
            self.notices.append(f"{self.path} is missing; the log begins again at update {step}")
            return kept
        if not log.damaged and not differs:
            return kept
        what = (
            f"{len(log.damaged)} of its lines cannot be read" if log.damaged else "it is not the log that was written"
        )
        self.notices.append(
            f"{self.path} is damaged: {what}. It is kept as {copy_aside(self.path).name}, and the run goes on with "
            f"the {len(log.lines)} lines that can be read"
        )
        return kept

    def write(self, record: Record) -> None:
        line = _line(record)
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}") from error
        self._digest.update(line)

    def seal(self) -> str:
        """Flush what was written to the disk. **Returns:** the digest of the whole file. **Raises:** `RunError`."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}") from error
        return self._digest.hexdigest()

    def close(self) -> None:
        self._file.close()


class TensorBoard(AbstractSink):
    """Event files for TensorBoard in `folder`; a run resumed at `step` purges the steps it will write again.

    Written as they come: a writer with a queue and a process-wide lock would leave semaphores behind when it is killed.
    """

    def __init__(self, folder: Path, *, step: int):
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog  # pyright: ignore[reportAttributeAccessIssue]

        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = EventsWriter(str(folder / "events"))
        except OSError as error:
            raise RunError(f"cannot write {folder}: {error.strerror}") from error
        if step:
            self._add(step + 1, file_version="brain.Event:2")
            self._add(step + 1, session_log=SessionLog(status=SessionLog.START))

    def _add(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]

        self._writer.write_event(Event(wall_time=time.time(), step=step, **content))

    def write(self, record: Record) -> None:
        from tensorboardX.summary import scalar

        for name, value in record.items():
            if name not in ("kind", "step", "seconds") and value is not None:
                self._add(record["step"], summary=scalar(f"{record['kind']}/{name}", value))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def read_records(path: Path) -> list[Record]:
    """The records of a `metrics.jsonl`, without lines that are none."""
    return [line.record for line in read_log(path).lines]


def _line(record: Record) -> bytes:
    clean = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }
    return (json.dumps(clean) + "\n").encode()
