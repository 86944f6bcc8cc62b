"""SHA-256 of files, and plain values that carry their own."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige import gate

DIGEST = "digest"


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file, read in pieces. **Raises:** `Unreadable` where it is no regular file, or cannot be read."""
    with gate.open_regular(path, limit=None) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of a plain value, by its content: spaces and the order of keys do not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with the digest of all else that it holds."""
    rest = {name: entry for name, entry in value.items() if name != DIGEST}
    return {**rest, DIGEST: digest_of(rest)}


def seal_holds(value: Mapping[str, Any]) -> bool:
    """Whether the digest in a mapping is that of all else in it."""
    return value.get(DIGEST) == sealed(value)[DIGEST]
