"""Where metrics go: one record per line of the log."""

import abc
import json
import math
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.errors import RunError

LOG_BYTES = 2**28
Record = dict[str, Any]
"""`kind` ("train" or "evaluate"), `step`, `seconds`, and one number per metric."""


class AbstractSink(abc.ABC):
    """Receives records in the order of their steps."""

    @abc.abstractmethod
    def write(self, record: Record) -> None:
        """Keep one record; it is safe when this returns."""

    @abc.abstractmethod
    def close(self) -> None:
        """Nothing more will come."""


class JsonLines(AbstractSink):
    """`metrics.jsonl`: one JSON object a line, flushed at once; not-a-number becomes null.

    Opening it at `step` drops whatever lies beyond: a run that resumes from a checkpoint writes those lines
    again.

    **Raises:** `RunError` where the file cannot be written.
    """

    def __init__(self, path: Path, *, step: int):
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = [record for record in read_records(path) if record["step"] <= step]
            self.seconds = max((record["seconds"] for record in kept), default=0.0)
            partial = path.with_suffix(".partial")
            partial.write_text("".join(_line(record) for record in kept))
            partial.replace(path)
            self._file = path.open("a")
        except OSError as error:
            raise RunError(f"cannot write {path}: {error.strerror}") from error

    def write(self, record: Record) -> None:
        try:
            self._file.write(_line(record))
            self._file.flush()
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()


class TensorBoard(AbstractSink):
    """Event files for TensorBoard; a resumed run purges the steps it will write again."""

    def __init__(self, folder: Path, *, step: int):
        from tensorboardX import SummaryWriter

        try:
            self._writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)
        except OSError as error:
            raise RunError(f"cannot write {folder}: {error.strerror}") from error

    def write(self, record: Record) -> None:
        for name, value in record.items():
            if name not in ("kind", "step", "seconds") and value is not None:
                self._writer.add_scalar(f"{record['kind']}/{name}", value, global_step=record["step"])

    def close(self) -> None:
        self._writer.close()


def read_records(path: Path) -> list[Record]:
    """The records of a `metrics.jsonl`; a last line that was cut short is left out."""
    if not path.exists():
        return []
    records = []
    for line in gate.read_text(path, limit=LOG_BYTES).splitlines():
        try:
            records.append(gate.parse_json(line))
        except ValueError:
            break
    return records


def _line(record: Record) -> str:
    clean = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }
    return json.dumps(clean) + "\n"
