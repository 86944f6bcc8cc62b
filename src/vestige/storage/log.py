"""`metrics.jsonl`: one record a line, each checked when it is read."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from vestige import gate

LOG_BYTES = 2**28

Record = dict[str, Any]
"""`kind` ("train" or "evaluate"), `step`, `seconds`, and one number per metric, None where it is not finite."""

KINDS = ("train", "evaluate")


class Line(NamedTuple):
    """One record, and the bytes that it was read from, with the end of the line."""

    record: Record
    raw: bytes


class Log(NamedTuple):
    """What a `metrics.jsonl` holds."""

    lines: list[Line]
    damaged: list[int]
    """Numbers of the lines, from 1, that are no records."""
    cut: bool
    """Whether the last line was cut short, as a kill leaves it; it is not among the damaged ones."""

    def until(self, step: int) -> bytes:
        """The file as it was when `step` updates were done."""
        return b"".join(line.raw for line in self.lines if line.record["step"] <= step)


def read_log(path: Path) -> Log:
    """The records of a log; an empty one where there is none.

    **Raises:** `Unreadable` where it is no regular file, is larger than 256 MiB, or cannot be read.
    """
    try:
        content = gate.read_bytes(path, limit=LOG_BYTES)
    except gate.Missing:
        return Log([], [], False)
    *whole, last = content.split(b"\n")
    lines, damaged = [], []
    for number, raw in enumerate(whole, 1):
        record = _record(raw)
        if record is not None:
            lines.append(Line(record, raw + b"\n"))
        elif raw.strip():
            damaged.append(number)
    record = _record(last)
    if record is not None:
        lines.append(Line(record, last + b"\n"))
    return Log(lines, damaged, record is None and bool(last.strip()))


def digest_of_log(content: bytes) -> str:
    """What seals a log up to some step."""
    return hashlib.sha256(content).hexdigest()


def _record(raw: bytes) -> Record | None:
    """The record in a line; None where it is none."""
    try:
        record = gate.parse_json(raw.decode("utf-8"))
    except ValueError:
        return None
    return record if _is_record(record) else None


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or record.get("kind") not in KINDS:
        return False
    step, rest = record.get("step"), [value for name, value in record.items() if name not in ("kind", "step")]
    return (
        isinstance(step, int)
        and not isinstance(step, bool)
        and step >= 0
        and isinstance(record.get("seconds"), int | float)
        and all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in rest)
    )
