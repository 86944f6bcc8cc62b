"""What seals a checkpoint: the file that says what is in it, and by which it is believed or not."""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.storage.digests import DIGEST, digest_of, digest_of_file, seal_holds, sealed
from vestige.storage.durable import write_text

MANIFEST = "manifest.json"
MARKER = "SEALED"
"""A file in every checkpoint whose manifest carries a digest: without one, it was not written by an earlier version."""
MARKED = "The manifest of this checkpoint carries its own digest; where it does not, it is damaged.\n"
SCHEMA = 2
"""Of manifests. 1: those of version 0.1, without digest, predecessor, log and schema."""
STEP = re.compile(r"0|[1-9][0-9]*")
HEX = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Link:
    """A checkpoint as the one after it knows it."""

    step: int
    digest: str


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a manifest holds."""

    step: int
    fingerprint: str
    leaves: Mapping[str, str]
    """Type and shape of every array of the state, by path."""
    files: Mapping[str, str]
    """SHA-256 of every file beside it."""
    predecessor: Link | None
    """The newest sound checkpoint when this one was written."""
    log: str
    """SHA-256 of `metrics.jsonl` up to this step; empty where there was none."""
    digest: str
    """Of all the above."""
    has_seal: bool
    """Whether the manifest carries that digest itself; those of version 0.1 do not."""

    def write(self, folder: Path) -> None:
        """Write it into the checkpoint in `folder`. **Raises:** `RunError`."""
        write_text(
            folder / MANIFEST, json.dumps({"schema": SCHEMA, **self.content(), DIGEST: self.digest}, indent=1) + "\n"
        )

    def content(self) -> dict[str, Any]:
        """All but schema and digest, as plain values."""
        return {
            "step": self.step,
            "fingerprint": self.fingerprint,
            "predecessor": None if self.predecessor is None else dataclasses.asdict(self.predecessor),
            "log": self.log,
            "leaves": dict(self.leaves),
            "files": dict(self.files),
        }


def made(
    folder: Path, *, step: int, fingerprint: str, leaves: Mapping[str, str], predecessor: Link | None, log: str
) -> Manifest:
    """The manifest of the files in `folder`, which get the marker beside them.

    **Arguments:** `step`, `fingerprint`, `leaves`, `predecessor`, `log`: as in `Manifest`.

    **Raises:** `RunError`, `OSError` where a file cannot be written or read.
    """
    write_text(folder / MARKER, MARKED)
    bare = Manifest(step, fingerprint, leaves, digests(folder), predecessor, log, "", True)
    return dataclasses.replace(bare, digest=sealed({"schema": SCHEMA, **bare.content()})[DIGEST])


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a checkpoint but the manifest, by its path there."""
    return {name: digest_of_file(folder / name) for name in files_in(folder)}


def files_in(folder: Path) -> list[str]:
    """All files of a checkpoint but the manifest, by their paths there."""
    names = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )
    return sorted(name for name in names if name != MANIFEST)


def read_manifest(folder: Path) -> Manifest | str:
    """The manifest of the checkpoint in `folder`, or what is wrong with it, to follow the checkpoint's name.

    It is believed where its own digest and the name of the folder agree with it. Without digest it must be whole in the
    form of version 0.1, in a folder without the marker: what then remains unprotected is its list of leaves and the
    fingerprint, a change of which is refused as another configuration.
    """
    if not folder.is_dir():
        return "is damaged (it is no folder)"
    try:
        given = gate.read_json(folder / MANIFEST)
    except gate.Missing:
        return "was cut short (it has no manifest)"
    except gate.Unreadable:
        return "is damaged (its manifest cannot be read)"
    manifest = _parsed(given)
    if isinstance(manifest, str):
        return f"is damaged ({manifest})"
    if not manifest.has_seal and (folder / MARKER).exists():
        return "is damaged (its manifest has lost its digest)"
    if str(manifest.step) != folder.name:
        return f"is not what its name says (its manifest is that of update {manifest.step})"
    return manifest


def fault_of_files(folder: Path, manifest: Manifest) -> str:
    """What is wrong with the files in `folder` by its `manifest`, to follow its name; empty where nothing is."""
    there = files_in(folder)
    for name, expected in manifest.files.items():
        if name not in there:
            return f"is damaged ({name} is missing)"
        try:
            found = digest_of_file(folder / name)
        except gate.Unreadable as error:
            return f"is damaged ({name} {error.clause.removeprefix('it ')})"
        if found != expected:
            return f"is damaged (the content of {name} changed since it was written)"
    for name in there:
        if name not in manifest.files:
            return f"is damaged ({name} does not belong to it)"
    return ""


def newest_log(checkpoints: Path) -> tuple[int, str] | None:
    """Step and digest of the log that the newest checkpoint has sealed, by its manifest alone; None where none has."""
    steps = [int(path.name) for path in checkpoints.glob("*") if STEP.fullmatch(path.name)]
    for step in sorted(steps, reverse=True):
        manifest = read_manifest(checkpoints / str(step))
        if isinstance(manifest, Manifest):
            return (step, manifest.log) if manifest.log else None
    return None


def _parsed(given: Any) -> Manifest | str:
    if not isinstance(given, dict):
        return "its manifest is no object"
    has_seal = "schema" in given or DIGEST in given
    if has_seal and (given.get("schema") != SCHEMA or isinstance(given.get("schema"), bool)):
        if seal_holds(given):
            return f"its manifest has schema {given.get('schema')}, and this version reads 1 and {SCHEMA}"
        return "its manifest is not what was written"
    if has_seal and not seal_holds(given):
        return "its manifest is not what was written"
    known = {"schema", "predecessor", "log", DIGEST} if has_seal else set()
    if given.keys() != {"step", "fingerprint", "leaves", "files"} | known:
        return "its manifest lacks what it must hold, or holds more"
    step, leaves, files = given["step"], given["leaves"], given["files"]
    sound = isinstance(step, int) and not isinstance(step, bool) and step >= 0 and isinstance(given["fingerprint"], str)
    if not (sound and _texts(leaves) and _texts(files) and all(HEX.fullmatch(digest) for digest in files.values())):
        return "its manifest does not fit its form"
    if not files:
        return "its manifest names no files"
    before = given.get("predecessor")
    link = None if before is None else Link(before["step"], before["digest"])
    digest = given[DIGEST] if has_seal else digest_of(given)
    return Manifest(step, given["fingerprint"], leaves, files, link, given.get("log", ""), digest, has_seal)


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())
