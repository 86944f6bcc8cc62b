"""Checkpoints that are atomic, verified, and fall back to the one before."""

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import RunError
from vestige.storage.durable import set_aside, sync_folder, sync_tree
from vestige.training.leaves import named_leaves
from vestige.training.loading import check_same, first_line, load, read
from vestige.training.manifest import STEP, Link, Manifest, fault_of_files, made, read_manifest
from vestige.training.schema import blank as zeros_of
from vestige.training.schema import filled, schema_of
from vestige.training.team import AbstractTeam, Alone, local

MARGIN_BYTES = 2**19  # for metadata, and for the log and results that follow
UNFINISHED = (".partial", ".removed")
"""How the names of folders end that a kill left while a checkpoint was written or removed."""
OWN_STEP = "step"
"""The leaf in which a state counts its updates."""


class Stored(NamedTuple):
    """The arrays of one checkpoint, without the model that they belong to."""

    step: int
    digest: str
    leaves: dict[str, Any]
    notices: list[str]


class Checkpoints:
    """The newest `keep` states of one run, in `folder/<step>/`.

    A checkpoint is written under another name, flushed to the disk, and renamed. Orbax, which writes the arrays, does
    not notice flipped bits, so the manifest holds the SHA-256 of every file, and its own. It names the step, which
    must be that of the folder's name and of the state, and the checkpoint before it with that one's digest, so that
    one from elsewhere is noticed. What is damaged or does not follow is passed over for the one before; it is set
    aside (`<step>.damaged-1`) when the next one is written, and counts among those kept at no time.

    **Arguments:**

    - `folder`: made when the first one is written.
    - `fingerprint`: identifies the configuration; a checkpoint of another one is refused.
    - `also`: fingerprints that the run had before it was made longer.
    - `keep`: how many to keep, at least 1.
    - `team`: the processes of the run, by default this one. All call `save`, `restore` and `restore_at`, each writes
      its share of the arrays, and the leader does all the rest. A checkpoint does not depend on how many there were.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fingerprint: str,
        also: tuple[str, ...] = (),
        keep: int = 3,
        team: AbstractTeam | None = None,
    ):
        if keep < 1:
            raise ValueError(f"keep must be at least 1, got {keep}")
        logging.getLogger("absl").setLevel(logging.CRITICAL)  # what Orbax reports there, we raise
        self.folder, self.fingerprint, self.keep = folder.absolute(), fingerprint, keep
        self.fingerprints = (fingerprint, *also)
        self.protected: int | None = None
        """The step of a checkpoint that is kept beside the newest ones."""
        self._proven: dict[int, tuple[Any, ...]] = {}
        self._team = Alone() if team is None else team

    def steps(self) -> list[int]:
        """The steps for which something exists, newest first; not verified."""
        if not self.folder.is_dir():
            return []
        return sorted((int(path.name) for path in self.folder.iterdir() if STEP.fullmatch(path.name)), reverse=True)

    def save(self, state: Any, step: int, *, log: str = "") -> list[str]:
        """Write `state`; drop what is older than the newest `keep`. Blocks until it is safe on disk.

        The one just written is never dropped. Others that are damaged are set aside.

        **Arguments:**

        - `state`, `step`: the state after `step` updates; where it counts them itself, the numbers must agree.
        - `log`: digest of the log up to this step.

        **Returns:** a sentence for each damaged checkpoint that was set aside.

        **Raises:** `RunError` where it cannot be written; earlier checkpoints are untouched.
        """
        end = self.begin(state, step, log=log)
        if not self._team.leads:
            end()
        return self._team.shared(end)

    def begin(self, state: Any, step: int, *, log: str = "") -> Callable[[], list[str]]:
        """Start to write `state`, as `save` does. Every process of the run calls this after the same update.

        **Arguments:**

        - `state`, `step`, `log`: as `save` takes them. The arrays must stay as they are until it has ended.

        **Returns:** what ends it, to be called once, in any thread. It exchanges nothing with other processes but by
        Orbax. In the leader it waits until the checkpoint is safe on disk, in another process until its share is, and
        returns a sentence for each damaged checkpoint that was set aside. It raises `RunError` where the checkpoint
        cannot be written.

        **Raises:** `RunError` where it cannot be begun.
        """
        leaves = named_leaves(state)
        own = leaves.get(OWN_STEP)
        if own is not None and own.size == 1 and int(local(own)) != step:
            raise ValueError(f"step: the state counts {int(local(own))} updates, got {step}")
        target, partial = self.folder / str(step), self.folder / f"{step}.partial"
        with self._worded(target), contextlib.ExitStack() as opened:
            import orbax.checkpoint as ocp  # late: it takes a quarter of a second

            notices = self._team.shared(lambda: self._prepare(leaves))
            writer = opened.enter_context(ocp.StandardCheckpointer())
            writer.save(partial, filled(leaves))
            under_way = opened.pop_all()

        def end() -> list[str]:
            with self._worded(target), self._team.writing:
                under_way.close()  # waits until all processes have written
                return notices + (self._seal(step, schema_of(leaves), log) if self._team.leads else [])

        return end

    @contextlib.contextmanager
    def _worded(self, target: Path) -> Iterator[None]:
        """Within the block every error is a `RunError` that names the checkpoint."""
        try:
            yield
        except Exception as error:  # Orbax reports a full disk in many guises
            reason = self._team.lost(error) or first_line(error)
            raise RunError(f"cannot write a checkpoint to {target}: {reason}") from error

    def _prepare(self, leaves: dict[str, Any]) -> list[str]:
        """Make room for a checkpoint. **Returns:** a sentence where something was set aside."""
        notices: list[str] = []
        if self.folder.exists() and not self.folder.is_dir():
            notices.append(f"{self.folder} is no folder; set aside as {set_aside(self.folder).name}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._need_space(leaves)
        self._sweep()
        return notices

    def _seal(self, step: int, schema: dict[str, str], log: str) -> list[str]:
        """Give what was written its manifest and its name. **Returns:** a sentence for what was set aside."""
        target, partial = self.folder / str(step), self.folder / f"{step}.partial"
        before = self._sound(below=step)
        link = Link(before.step, before.digest) if before else None
        sealing = {"fingerprint": self.fingerprint, "leaves": schema, "predecessor": link, "log": log}
        manifest = made(partial, step=step, **sealing)
        manifest.write(partial)
        sync_tree(partial)
        notices = self._make_way(step) if os.path.lexists(target) else []
        os.rename(partial, target)
        sync_folder(self.folder)
        self._proven[step] = _signature(target)
        return notices + self._prune(step)

    def _make_way(self, step: int) -> list[str]:
        """Free the name of a step that is written again."""
        target = self.folder / str(step)
        if fault := self.fault(step):
            return [f"checkpoint {target} {fault}; set aside as {set_aside(target).name}"]
        self.remove(step)
        return []

    def _prune(self, newest: int) -> list[str]:
        """Remove sound ones but `newest` and the next, set damaged ones aside."""
        notices, kept = [], 1
        for step in self.steps():
            if step == newest:
                continue
            target = self.folder / str(step)
            if fault := self.fault(step):
                notices.append(f"checkpoint {target} {fault}; set aside as {set_aside(target).name}")
            elif step == self.protected:
                continue
            elif kept < self.keep:
                kept += 1
            else:
                self.remove(step)
        return notices

    def remove(self, step: int) -> None:
        """Remove the checkpoint of a `step`; under another name first, for half a checkpoint must not look like a
        damaged one.
        """
        removed = self.folder / f"{step}.removed"
        os.rename(self.folder / str(step), removed)
        shutil.rmtree(removed, ignore_errors=True)
        self._proven.pop(step, None)

    def _sweep(self) -> None:
        """Clear what a kill left unfinished."""
        for path in self.folder.iterdir():
            if path.name.endswith(UNFINISHED) or ".orbax-checkpoint-tmp" in path.name:
                shutil.rmtree(path, ignore_errors=True)

    def _need_space(self, leaves: dict[str, Any]) -> None:
        """Refuse before Orbax starts writing: it does not take a full disk quietly."""
        size = sum(leaf.nbytes for leaf in leaves.values())
        free = shutil.disk_usage(self.folder).free
        if free < 2 * size + MARGIN_BYTES:
            raise OSError(f"no space left on the device: {size:,} bytes to write, {free:,} free")

    def fault(self, step: int) -> str:
        """What is wrong with a checkpoint, to follow its name; empty where nothing is.

        Manifest, every file, and that it follows the one before. Files are read once, and again when they change.
        """
        target = self.folder / str(step)
        manifest = read_manifest(target)
        if isinstance(manifest, str):
            return manifest
        signature = _signature(target)
        if self._proven.get(step) != signature:
            if fault := fault_of_files(target, manifest):
                return fault
            self._proven[step] = signature
        return self._misfit(manifest)

    def _misfit(self, manifest: Manifest) -> str:
        """Whether the checkpoint before is another one than this one was written after."""
        older = (read_manifest(self.folder / str(step)) for step in self.steps() if step < manifest.step)
        before = next((each for each in older if isinstance(each, Manifest)), None)
        if before is None:
            return ""
        if not manifest.has_seal:
            return "is of another history (it has no digest, yet the one before has)" if before.has_seal else ""
        link = manifest.predecessor
        if link is None or link.step < before.step:
            after = "as the first of its run" if link is None else f"after update {link.step}"
            return f"is of another history (it was written {after}, yet there is checkpoint {before.step})"
        if link.step == before.step and link.digest != before.digest:
            return f"is of another history (it was written after another checkpoint {link.step} than the one here)"
        return ""

    def _sound(self, below: int | None = None) -> Manifest | None:
        """The manifest of the newest sound one, of an update before `below`."""
        for step in self.steps():
            if (below is None or step < below) and not self.fault(step):
                manifest = read_manifest(self.folder / str(step))
                return manifest if isinstance(manifest, Manifest) else None
        return None

    def any_sound(self) -> bool:
        """Whether there is a sound checkpoint, of whichever configuration."""
        return self._sound() is not None

    def restore(self, template: Any) -> tuple[Any, int | None, list[str]]:
        """The newest sound state, shaped and placed like `template`.

        **Returns:** the state, its step, and a sentence for each newer checkpoint that was passed over. With
        none that is sound: the template itself and None.

        **Raises:** `UsageError` where the newest sound checkpoint belongs to another configuration.
        """
        notices: list[str] = []
        below: int | None = None
        while True:
            step, passed = self._team.shared(lambda: self._choose(template, below))  # noqa: B023
            notices += passed
            if step is None:
                return template, None, notices
            state, fault = self._state(step, template)
            if not fault:
                return state, step, notices
            notices.append(f"checkpoint {self.folder / str(step)} {fault}; trying the one before")
            below = step

    def _choose(self, template: Any, below: int | None) -> tuple[int | None, list[str]]:
        """The newest sound step of an update before `below`, and a sentence for each that was passed over."""
        notices: list[str] = []
        if self.folder.exists() and not self.folder.is_dir():
            notices.append(f"{self.folder} is no folder; there is no checkpoint")
        for step in self.steps():
            if below is not None and step >= below:
                continue
            target = self.folder / str(step)
            fault, manifest = self.fault(step), read_manifest(target)
            if not fault and isinstance(manifest, Manifest):
                check_same(target, manifest, template, self.fingerprints)
                return step, notices
            notices.append(f"checkpoint {target} {fault or 'is gone'}; trying the one before")
        return None, notices

    def _state(self, step: int, template: Any) -> tuple[Any, str]:
        """The state of a sound checkpoint, and what is wrong with it, to follow its name."""
        manifest = read_manifest(self.folder / str(step))
        if isinstance(manifest, str):
            return None, manifest
        state = load(self.folder / str(step), manifest, template)
        own = named_leaves(state).get(OWN_STEP)
        if own is None or own.size != 1 or int(own) == step:
            return state, ""
        return None, f"is not what its name says (its state is that of update {int(own)})"

    def restore_at(self, step: int, template: Any) -> Any | None:
        """The state of one checkpoint, shaped and placed like `template`.

        **Arguments:**

        - `step`: of the checkpoint.
        - `template`: a state.

        **Returns:** the state; None where that checkpoint is missing or damaged.

        **Raises:** `UsageError` where it belongs to another configuration.
        """
        target = self.folder / str(step)
        fault, manifest = self._team.shared(lambda: self.fault(step)), read_manifest(target)
        if fault or not isinstance(manifest, Manifest):
            return None
        check_same(target, manifest, template, self.fingerprints)
        return load(target, manifest, template)

    def stored(self, *, prefix: str = "", digest: str = "") -> Stored | None:
        """The arrays of the newest sound checkpoint, of whichever configuration; None where there is none.

        **Arguments:**

        - `prefix`: those whose path begins so, named without it; all are read.
        - `digest`: of the manifest; only the checkpoint that has it, where one is named.

        **Raises:** `RunError` where Orbax cannot read it.
        """
        notices: list[str] = []
        for step in self.steps():
            target = self.folder / str(step)
            fault, manifest = self.fault(step), read_manifest(target)
            if not fault and isinstance(manifest, Manifest):
                if digest and manifest.digest != digest:
                    continue
                fault = self.fault_of_state(step)
                if not fault:
                    named = self.arrays(step).items()
                    leaves = {name.removeprefix(prefix): leaf for name, leaf in named if name.startswith(prefix)}
                    return Stored(step, manifest.digest, leaves, notices)
            notices.append(f"checkpoint {target} {fault or 'is gone'}; trying the one before")
        return None

    def fault_of_state(self, step: int) -> str:
        """Whether the state of a sound checkpoint counts as many updates as its name says; reads it as a whole."""
        try:
            own = self.arrays(step).get(OWN_STEP)
        except RunError as error:
            return f"cannot be read ({error})"
        if own is None or own.size != 1 or int(own) == step:
            return ""
        return f"is not what its name says (its state is that of update {int(own)})"

    def arrays(self, step: int) -> dict[str, Any]:
        """Every array of a checkpoint, by its path in the state. **Raises:** `RunError` where it cannot be read."""
        manifest = read_manifest(self.folder / str(step))
        if isinstance(manifest, str):
            raise RunError(f"checkpoint {self.folder / str(step)} {manifest}")
        blank = {name: zeros_of(kind) for name, kind in manifest.leaves.items()}
        return blank | read(self.folder / str(step), filled(blank))

    def log_digest(self, step: int) -> str:
        """The digest of the log that a checkpoint sealed; empty where it sealed none."""
        manifest = read_manifest(self.folder / str(step))
        return "" if isinstance(manifest, str) else manifest.log


def _signature(target: Path) -> tuple[Any, ...]:
    """What changes when a file of a checkpoint is written again."""
    try:
        stats = [(str(path), path.stat()) for path in sorted(target.rglob("*")) if path.is_file()]
    except OSError:  # removed meanwhile, by the run that goes on
        return ()
    return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
