"""Checkpoints that are atomic, verified, and fall back to the one before."""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import orbax.checkpoint as ocp

from vestige import gate
from vestige.errors import RunError, UsageError

MANIFEST = "manifest.json"
MARGIN_BYTES = 2**19  # for metadata, and for the log and results that follow


def _digest(path: Path) -> str:
    with gate.open_regular(path, limit=None) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named_leaves(tree: Any) -> dict[str, Any]:
    """Array leaves by path, with random keys as they are."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(tree, eqx.is_array))
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def _filled(leaves: dict[str, Any]) -> dict[str, Any]:
    """Those that hold anything: Orbax refuses arrays of size 0, and there is nothing in them to keep."""
    return {name: leaf for name, leaf in leaves.items() if leaf.size}


def _schema(leaves: dict[str, Any]) -> dict[str, str]:
    return {name: f"{leaf.dtype}{list(leaf.shape)}" for name, leaf in leaves.items()}


class Checkpoints:
    """The newest `keep` states of one run, in `folder/<step>/`.

    Orbax writes each one under a temporary name and renames it, so a kill leaves no half checkpoint; it does
    not notice flipped bits, so a manifest with the SHA-256 of every file is written last, inside the folder.
    A checkpoint without a manifest was cut short; one whose digests disagree is damaged. Both are passed
    over for the one before.

    **Arguments:**

    - `fingerprint`: identifies the configuration; a checkpoint of another one is refused.
    - `keep`: how many to keep, at least 1.
    """

    def __init__(self, folder: Path, *, fingerprint: str, keep: int = 3):
        if keep < 1:
            raise ValueError(f"keep must be at least 1, got {keep}")
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # what Orbax reports there, we raise
        self.folder, self.fingerprint, self.keep = folder.absolute(), fingerprint, keep

    def steps(self) -> list[int]:
        """The steps for which a folder exists, newest first; not verified."""
        if not self.folder.is_dir():
            return []
        return sorted((int(path.name) for path in self.folder.iterdir() if path.name.isdigit()), reverse=True)

    def save(self, state: Any, step: int) -> None:
        """Write `state`; drop what is older than the newest `keep`. Blocks until it is safe on disk.

        **Raises:** `RunError` where it cannot be written; earlier checkpoints are untouched.
        """
        target = self.folder / str(step)
        leaves = _named_leaves(state)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._need_space(leaves)
            if target.exists():
                shutil.rmtree(target)
            with ocp.StandardCheckpointer() as writer:
                writer.save(target, _filled(leaves))
            files = {str(p.relative_to(target)): _digest(p) for p in sorted(target.rglob("*")) if p.is_file()}
            manifest = {
                "step": step,
                "fingerprint": self.fingerprint,
                "leaves": _schema(leaves),
                "files": files,
            }
            partial = target / (MANIFEST + ".partial")
            partial.write_text(json.dumps(manifest, indent=1))
            partial.rename(target / MANIFEST)
        except Exception as error:  # Orbax reports a full disk in many guises
            raise RunError(f"cannot write a checkpoint to {target}: {_first_line(error)}") from error
        for old in self.steps()[self.keep :]:
            shutil.rmtree(self.folder / str(old), ignore_errors=True)
        for leftover in self.folder.glob("*.orbax-checkpoint-tmp*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _need_space(self, leaves: dict[str, Any]) -> None:
        """Refuse before Orbax starts writing: it does not take a full disk quietly."""
        size = sum(leaf.nbytes for leaf in leaves.values())
        free = shutil.disk_usage(self.folder).free
        if free < 2 * size + MARGIN_BYTES:
            raise OSError(f"no space left on the device: {size:,} bytes to write, {free:,} free")

    def restore(self, template: Any) -> tuple[Any, int | None, list[str]]:
        """The newest sound state, shaped and placed like `template`.

        **Returns:** the state, its step, and a sentence for each newer checkpoint that was passed over. With
        none that is sound: the template itself and None.

        **Raises:** `UsageError` where the newest sound checkpoint belongs to another configuration.
        """
        notices: list[str] = []
        for step in self.steps():
            target = self.folder / str(step)
            fault = self._fault(target)
            if fault is None:
                self._check_fingerprint(target, template)
                return self._load(target, template), step, notices
            notices.append(f"checkpoint {target} {fault}; trying the one before")
        return template, None, notices

    def _fault(self, target: Path) -> str | None:
        try:
            files = gate.read_json(target / MANIFEST)["files"]
        except gate.Missing:
            return "was cut short (it has no manifest)"
        except (gate.Unreadable, KeyError):
            return "is damaged (its manifest cannot be read)"
        for name, expected in files.items():
            path = target / name
            if not path.is_file():
                return f"is damaged ({name} is missing)"
            if _digest(path) != expected:
                return f"is damaged (the content of {name} changed since it was written)"
        return None

    def _check_fingerprint(self, target: Path, template: Any) -> None:
        manifest = gate.read_json(target / MANIFEST)
        here, there = _lasting(_schema(_named_leaves(template))), _lasting(manifest["leaves"])
        differing = [
            f"{name}: saved {there.get(name, 'absent')}, expected {here.get(name, 'absent')}"
            for name in sorted(here.keys() | there.keys())
            if here.get(name) != there.get(name)
        ]
        same = manifest["fingerprint"] == self.fingerprint
        if (differing and not (same and _renamed(here, there))) or not same:
            detail = ("\n  " + "\n  ".join(differing[:8])) if differing else ""
            raise UsageError(
                f"checkpoint {target} belongs to another configuration; "
                f"resume with the options of that run, or choose another --out.{detail}"
            )

    def _load(self, target: Path, template: Any) -> Any:
        wanted = _named_leaves(template)
        saved: dict[str, str] = gate.read_json(target / MANIFEST)["leaves"]
        names = dict(zip(_lasting(wanted), _lasting(saved), strict=True)) | {n: n for n in wanted if n in saved}
        stored = {names[name]: leaf for name, leaf in wanted.items() if name in names}
        # Orbax reads all that was stored or nothing: sums of metrics that are no more are read and dropped.
        gone = {name: _blank(kind) for name, kind in saved.items() if name not in stored}
        try:
            with ocp.StandardCheckpointer() as reader:
                loaded = stored | reader.restore(target, _filled({**stored, **gone}))
        except Exception as error:
            raise RunError(f"cannot read checkpoint {target}: {_first_line(error)}") from error
        arrays, static = eqx.partition(template, eqx.is_array)
        leaves = [loaded[names[name]] if name in names else leaf for name, leaf in wanted.items()]
        return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), leaves), static)


def _lasting(leaves: dict[str, Any]) -> dict[str, Any]:
    """Without the sums behind the next line of the log, which depend on the metrics that a version has."""
    return {name: leaf for name, leaf in leaves.items() if not name.startswith("totals.")}


def _blank(kind: str) -> np.ndarray:
    """Zeros of a leaf's type and shape, as the schema of a manifest tells them."""
    dtype, _, shape = kind.partition("[")
    return np.zeros([int(size) for size in shape.rstrip("]").split(",") if size.strip()], dtype)


def _renamed(here: dict[str, str], there: dict[str, str]) -> bool:
    """Whether the leaves are the same, in their order, under other names: attributes were renamed between versions."""
    return list(here.values()) == list(there.values())


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    if "No space left on device" in text or "ENOSPC" in text or "RESOURCE_EXHAUSTED" in text:
        return "no space left on the device"
    return text.splitlines()[0][:300]
