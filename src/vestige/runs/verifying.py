"""Whether the folder of a run, a comparison or a suite is what was written into it, and what can be set aside."""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vestige import gate
from vestige.errors import UsageError, VestigeError
from vestige.runs.config import RunConfig, recorded
from vestige.runs.folder import CHECKPOINTS, CONFIG, EVALUATION, LOG
from vestige.runs.pruning import PRUNED, pruned
from vestige.storage.config import has_digest
from vestige.storage.digests import DIGEST, digest_of_file
from vestige.storage.durable import DamagedFile, copy_aside, set_aside, writing
from vestige.storage.fit_file import FIT, read_fit
from vestige.storage.fitted import FITTED, read_fitted
from vestige.storage.locking import LOCK, holder, read_owner
from vestige.storage.log import Log, digest_of_log, read_log
from vestige.storage.results import RESULTS, read_results
from vestige.training import Checkpoints
from vestige.training.manifest import Manifest, read_manifest


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was found of one file of a folder."""

    path: Path
    text: str
    """One sentence, or part of one."""
    sound: bool = True
    repairable: bool = False
    """Whether setting the file aside lets a run go on, or be made again."""


def verify(folder: Path) -> list[Finding]:
    """Check lock, configuration, log, results, evaluation and every checkpoint; of a comparison, every run in it.

    Nothing is written. Every file is read once; arrays of checkpoints are loaded to see which update they are of.

    **Arguments:**

    - `folder`: of a run, a comparison or a suite; a run that goes on may be verified.

    **Returns:** one finding a file, in the order in which a run reads them.

    **Raises:** `UsageError` where the folder is none of these.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give the folder of a run, as printed at its end")
    of_run = any(os.path.lexists(folder / name) for name in (CONFIG, CHECKPOINTS, LOG))
    inner = [] if of_run else runs_in(folder)
    if not of_run and not inner and not os.path.lexists(folder / RESULTS):
        raise UsageError(f"{folder} is not a run folder: it has no {CONFIG}")
    found = [_lock(folder)]
    if of_run:
        found += _run(folder)
    elif os.path.lexists(folder / RESULTS):
        found.append(_results(folder)[0])
    for below in inner:
        found += _run(below)
    return found


def repair(findings: list[Finding]) -> list[str]:
    """Set aside what is damaged, so that `--resume` goes on; of a log, what can be read stays. Nothing is deleted.

    **Arguments:**

    - `findings`: as `verify` gave them, for a folder whose lock is held.

    **Returns:** one sentence for each file.
    """
    said = []
    for found in findings:
        if found.sound or not found.repairable or not os.path.lexists(found.path):
            continue
        if found.path.name == LOG and found.path.is_file():
            log = read_log(found.path)
            said.append(f"{found.path}: kept as {copy_aside(found.path).name}; {len(log.lines)} lines stay")
            with writing(found.path) as file:
                file.write(b"".join(line.raw for line in log.lines))
        else:
            said.append(f"{found.path}: set aside as {set_aside(found.path).name}")
        results = found.path.parent / RESULTS
        if found.path.name in (LOG, EVALUATION) and results.is_file():
            said.append(f"{results}: set aside as {set_aside(results).name}; --resume makes it again")
    return said


def runs_in(folder: Path) -> list[Path]:
    """The run folders below that of a comparison or a suite."""
    found = (path.parent for path in folder.rglob(CONFIG))
    return sorted(path for path in found if CHECKPOINTS not in path.relative_to(folder).parts)


def _run(folder: Path) -> list[Finding]:
    finding, run = _config(folder)
    results, stated = _results(folder)
    checkpoints, sealed = _checkpoints(folder, run)
    if results.sound and _of_another_configuration(folder, stated):
        results = Finding(
            results.path, f"is not of this {CONFIG}: one of the two changed", sound=False, repairable=True
        )
    log = _log(folder, mapping_of(stated.get("files")).get(LOG), sealed, stated)
    newest = max((int(each.path.name) for each in checkpoints if each.path.name.isdecimal()), default=0)
    if stated.get("updates", 0) > newest:
        day = pruned(folder).get(stated["updates"])
        how = f"was pruned on {day}" if day else "is missing"
        text = f"that of update {stated['updates']}, whose results these are, {how}"
        checkpoints.append(Finding(folder / CHECKPOINTS, text))
    if steps := sorted(pruned(folder)):
        checkpoints.append(Finding(folder / PRUNED, f"checkpoints that were pruned: {', '.join(map(str, steps))}"))
    return [finding, *_fitted(folder), log, results, *_evaluation(folder, stated), *checkpoints]


def _of_another_configuration(folder: Path, results: dict[str, Any]) -> bool:
    expected = mapping_of(results.get("files")).get(CONFIG)
    return expected is not None and (folder / CONFIG).is_file() and digest_of_file(folder / CONFIG) != expected


def mapping_of(value: Any) -> dict[str, Any]:
    """`value` where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def _lock(folder: Path) -> Finding:
    path = folder / LOCK
    if not os.path.lexists(path):
        return Finding(path, "free: nobody writes here")
    owner = read_owner(folder)
    if owner is None:
        return Finding(path, "cannot be read; whoever writes next takes it over", sound=False, repairable=True)
    if holder(folder) is None:
        return Finding(path, f"left behind by {owner}, which is gone; whoever writes next takes it over")
    return Finding(path, f"held by {owner}")


def _config(folder: Path) -> tuple[Finding, RunConfig | None]:
    path = folder / CONFIG
    try:
        run = recorded(folder)
        notes = (
            "" if has_digest(folder) else "; it has no digest, so that changes outside options and seed go unnoticed"
        )
        return Finding(path, f"sound{notes}"), run
    except DamagedFile as error:
        return Finding(path, error.fault, sound=False, repairable=True), None
    except VestigeError as error:
        return Finding(path, str(error).removeprefix(f"{path} "), sound=False), None


def _fitted(folder: Path) -> Iterator[Finding]:
    for name, read in ((FITTED, read_fitted), (FIT, read_fit)):
        path = folder / name
        if not os.path.lexists(path):
            continue
        try:
            read(folder)
        except DamagedFile as error:
            yield Finding(path, error.fault, sound=False, repairable=True)
        else:
            yield Finding(path, "sound")


def _results(folder: Path) -> tuple[Finding, dict[str, Any]]:
    path = folder / RESULTS
    if not os.path.lexists(path):
        return Finding(path, "not there: the run has not come to its end"), {}
    try:
        results = read_results(path)
    except DamagedFile as error:
        return Finding(path, error.fault, sound=False, repairable=True), {}
    return Finding(
        path, "sound" if DIGEST in results else "whole; an earlier version wrote it, without a digest"
    ), results


def _log(folder: Path, of_results: Any, sealed: tuple[int, str] | None, results: dict[str, Any]) -> Finding:
    path = folder / LOG
    if not os.path.lexists(path):
        lost = bool(results) or sealed is not None
        return Finding(path, "is missing" if lost else "not there yet", sound=not lost)
    try:
        log = read_log(path)
    except gate.Unreadable as error:
        return Finding(path, error.clause.removeprefix("it "), sound=False, repairable=True)
    if log.damaged:
        which = ", ".join(map(str, log.damaged[:6])) + (", …" if len(log.damaged) > 6 else "")
        return Finding(path, f"is damaged: line {which} cannot be read", sound=False, repairable=True)
    return _sealed_log(path, log, of_results, sealed)


def _sealed_log(path: Path, log: Log, of_results: Any, sealed: tuple[int, str] | None) -> Finding:
    cut = "; the last line was cut short, as by a kill" if log.cut else ""
    if isinstance(of_results, str):
        if digest_of_file(path) != of_results:
            return Finding(path, f"changed since {RESULTS} was written", sound=False, repairable=True)
    elif sealed is not None and sealed[1] and digest_of_log(log.until(sealed[0])) != sealed[1]:
        kept = sorted(other.name for other in path.parent.glob(f"{LOG}.damaged-*"))
        if not kept:
            text = f"is not the log that checkpoint {sealed[0]} was written with"
            return Finding(path, text, sound=False, repairable=True)
        return Finding(path, f"whole, {len(log.lines)} lines; what was damaged is kept as {kept[-1]}{cut}")
    return Finding(path, f"sound, {len(log.lines)} lines{cut}")


def _evaluation(folder: Path, results: dict[str, Any]) -> Iterator[Finding]:
    path = folder / EVALUATION
    expected = mapping_of(results.get("files")).get(EVALUATION)
    if not os.path.lexists(path):
        if expected is not None:
            yield Finding(path, "is missing", sound=False)
        return
    if expected is not None and (not path.is_file() or digest_of_file(path) != expected):
        yield Finding(path, f"changed since {RESULTS} was written", sound=False, repairable=True)
        return
    try:
        count = len(gate.read_npz(path))
    except gate.Unreadable as error:
        yield Finding(path, error.clause.removeprefix("it "), sound=False, repairable=True)
        return
    yield Finding(path, f"sound, {count} arrays")


def _checkpoints(folder: Path, run: RunConfig | None) -> tuple[list[Finding], tuple[int, str] | None]:
    """Of every checkpoint, newest first; and step and digest of the log that the newest sound one sealed."""
    path = folder / CHECKPOINTS
    if not os.path.lexists(path):
        return [Finding(path, "there is none yet")], None
    if not path.is_dir():
        return [Finding(path, "is no folder", sound=False, repairable=True)], None
    known = () if run is None else (run.identity, *run.earlier)
    store = Checkpoints(path, fingerprint="")
    found: list[Finding] = []
    sealed: tuple[int, str] | None = None
    for step in store.steps():
        finding, manifest = _checkpoint(store, path / str(step), step, known)
        if finding is None:  # removed meanwhile, by the run that goes on
            continue
        found.append(finding)
        if finding.sound and manifest is not None and sealed is None:
            sealed = (step, manifest.log)
    return found, sealed


def _checkpoint(
    store: Checkpoints, path: Path, step: int, known: tuple[str, ...]
) -> tuple[Finding | None, Manifest | None]:
    fault, manifest = store.fault(step), read_manifest(path)
    if not os.path.lexists(path):
        return None, None
    if fault or isinstance(manifest, str):
        return Finding(path, fault or str(manifest), sound=False, repairable=True), None
    if known and manifest.fingerprint not in known:
        return Finding(path, f"belongs to another configuration than {CONFIG}", sound=False), None
    if fault := store.fault_of_state(step):
        return Finding(path, fault, sound=False, repairable=True), None
    how = "sound" if manifest.has_seal else "whole; an earlier version wrote it, whose manifest has no digest"
    return Finding(path, f"{how}, {len(manifest.files)} files"), manifest


def as_json(findings: list[Finding]) -> str:
    """The findings for programs."""
    return json.dumps([{"path": str(each.path), "sound": each.sound, "text": each.text} for each in findings], indent=1)
