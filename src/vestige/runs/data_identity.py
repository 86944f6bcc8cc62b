"""The data of a run: recorded when it begins, recognised when it is resumed, evaluated or moved."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vestige.data import Identity, NamedData, Source, UserFile, identify
from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.runs.folder import CONFIG
from vestige.storage.config import read_config
from vestige.storage.fitted import FITTED, read_fitted
from vestige.tasks.spec import TaskSpec

Stamps = dict[str, tuple[int, int]]


class DataInUse(NamedTuple):
    """What a task reads, as it was before it was read."""

    sources: tuple[Source, ...]
    files: dict[str, dict[str, Any]]
    """A record for each of the user's files, by option."""
    stamps: Stamps
    """Size and time of the last change of each of them."""

    @classmethod
    def of(cls, task: TaskSpec, *, folder: Path) -> "DataInUse":
        """That of a task, for a run in `folder`. **Raises:** `UsageError` where a file is missing."""
        sources = task.sources()
        stamps = _stamps(sources)
        files = {source.option: _file(source, folder) for source in sources if isinstance(source, UserFile)}
        return cls(sources, files, stamps)

    def records(self) -> list[dict[str, Any]]:
        """A record for each source, for `config.yaml`; to be called when all have been read."""
        return [
            self.files[source.option] if isinstance(source, UserFile) else _data_set(source) for source in self.sources
        ]

    def changed(self) -> str | None:
        """A sentence about the first file that has been written to since; None where none has."""
        now = _stamps(self.sources)
        for name, stamp in self.stamps.items():
            if now.get(name) != stamp:
                return f"{name} was changed while the run read it; what it was trained on is in no file"
        return None


class Located(NamedTuple):
    """The data of a run, found again."""

    experiment: Experiment
    """With the paths at which its files are now."""
    fitted: dict[str, Any] | None
    """What was fitted in training; None where that is to be fitted again, on the same data."""
    notices: list[str]
    """What a reader should know: other data, data of which nothing is known."""


def present(task: TaskSpec, *, folder: Path) -> list[dict[str, Any] | None]:
    """A record for each of the files that the user named in `task`, None for one that is missing and for data sets: of
    a run in `folder` that is over, which needs them no longer."""
    return [
        _file(source, folder) if isinstance(source, UserFile) and Path(source.path).exists() else None
        for source in task.sources()
    ]


def check_unchanged(folder: Path, now: Sequence[dict[str, Any] | None]) -> None:
    """**Raises:** `UsageError` where the records `now` are of other data than those of the run in `folder`.

    Where a file lies does not matter. Runs of earlier versions recorded nothing, and are taken as they are.
    """
    for there, here in zip(_records(folder) or [], now, strict=False):
        if here is None or _identity(there) == _identity(here):
            continue
        if "option" not in there:
            raise UsageError(_other_set(folder, there, here))
        path = here.get("found", there["path"])
        raise UsageError(
            f"{path} is not the file that the run in {folder} is trained on: then {_words(there)}, now "
            f"{_words(here)}. Put the first file back to go on with the run, or train on this one with another --out"
        )


def file_options(folder: Path, task: TaskSpec) -> set[str]:
    """The options that name files whose content the run in `folder` recorded, where `task` reads as many."""
    there = [f"task.{record['option']}" for record in _records(folder) or [] if "option" in record]
    here = [f"task.{source.option}" for source in task.sources() if isinstance(source, UserFile)]
    return set(here) if here == there else set()


def trained_on(folder: Path, path: Path) -> bool:
    """Whether the file, or folder, at `path` holds what the run in `folder` recorded of one of its files."""
    records = [record for record in _records(folder) or [] if "option" in record]
    if not records or not path.exists():
        return False
    identity = identify(path)
    return any((identity.size, identity.sha256) == (record["size"], record["sha256"]) for record in records)


def locate(folder: Path, experiment: Experiment, *, data: Path | None = None) -> Located:
    """The data on which the run in `folder`, of this `experiment`, is evaluated: its own, verified, or those at `data`.

    A file of the run is looked for where it was, then where it was as seen from the run folder.

    **Raises:** `UsageError` where a file is missing or is not what it was, with `--data` as the fix; where `data`
    is given and the run reads no file.
    """
    records, sources = _records(folder), experiment.task.sources()
    evaluated = [source for source in sources if isinstance(source, UserFile) and source.evaluated]
    if data is not None and not evaluated:
        read = ", ".join(f"the data set {source.name}" for source in sources if isinstance(source, NamedData))
        raise UsageError(
            f"--data {data} names a file in place of the run's own, and the run in {folder} reads "
            f"{read or 'generated data'}; leave it out"
        )
    fitted = read_fitted(folder)
    if records is None:
        return _unrecorded(experiment, evaluated, data)
    notices: list[str] = []
    for source, record in zip(sources, records, strict=False):
        if isinstance(source, NamedData):
            here = _data_set(source)
            if _identity(here) != _identity(record):
                raise UsageError(_other_set(folder, record, here))
            continue
        if data is not None and source is evaluated[-1]:
            path, same = _given(data, source, record)
            if not same:
                _need_fitted(folder, fitted, data)
                notices.append(
                    f"evaluated on {data}, which is not the file of the run; what was fitted in training is kept"
                )
        elif source.evaluated or fitted is None:
            path = _found(folder, source, record)
        else:
            notices += _unread(folder, source, record)
            path = record["found"]
        experiment = experiment.replace(f"task.{source.option}", str(path))
    return Located(experiment, fitted, notices)


def _records(folder: Path) -> list[dict[str, Any]] | None:
    """What `config.yaml` says of the data; None in runs of earlier versions."""
    records = read_config(folder).get("data")
    if records is None:
        return None
    known = {"option", "path", "found", "beside", "size", "sha256"}, {"dataset", "found", "sha256"}
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and any(names <= record.keys() for names in known) for record in records
    ):
        raise UsageError(f"{folder / CONFIG} is damaged: data must say of each source what it was, got {records}")
    return records


def _file(source: UserFile, folder: Path) -> dict[str, Any]:
    path = Path(source.path).absolute()
    identity = identify(path, source.parts)
    return {
        "option": source.option,
        "path": source.path,
        "found": str(path),
        "beside": os.path.relpath(path, folder.absolute()),
        "size": identity.size,
        "sha256": identity.sha256,
        "sampled": identity.sampled,
    }


def _data_set(source: NamedData) -> dict[str, Any]:
    dataset = registry("dataset").find(source.name)
    digests = dict(dataset.digests())
    names = digests if source.files is None else source.files
    return {"dataset": source.name, "found": dataset.found(), "sha256": {name: digests.get(name) for name in names}}


def _stamps(sources: tuple[Source, ...]) -> Stamps:
    found: Stamps = {}
    for source in sources:
        if isinstance(source, UserFile):
            for path in [Path(source.path, part) for part in source.parts] or [Path(source.path)]:
                if path.exists():
                    about = path.stat()
                    found[str(path)] = about.st_size, about.st_mtime_ns
    return found


def _identity(record: dict[str, Any]) -> Any:
    return record.get("dataset"), record.get("size"), record["sha256"]


def _words(record: dict[str, Any]) -> str:
    return str(Identity(record["size"], record["sha256"], bool(record.get("sampled"))))


def _other_set(folder: Path, there: dict[str, Any], here: dict[str, Any]) -> str:
    return (
        f"the data set {there['dataset']} ({here['found']}) is not what the run in {folder} is trained on, which was "
        f"found in {there['found']}: its digests differ. Set VESTIGE_DATA to the folder that held it"
    )


def _candidates(folder: Path, record: dict[str, Any]) -> list[Path]:
    beside = Path(os.path.normpath(folder.absolute() / record["beside"]))
    return list(dict.fromkeys([Path(record["found"]), beside]))


def _same(path: Path, source: UserFile, record: dict[str, Any]) -> bool:
    identity = identify(path, source.parts)
    return (identity.size, identity.sha256) == (record["size"], record["sha256"])


def _found(folder: Path, source: UserFile, record: dict[str, Any]) -> Path:
    """Where a file of the run is now. **Raises:** `UsageError` where it is missing or was replaced."""
    there = [path for path in _candidates(folder, record) if path.exists()]
    for path in there:
        if _same(path, source, record):
            return path
    option = f"--task.{source.option.replace('_', '-')}"
    way = "pass --data FILE to evaluate on another file"
    if not there:
        raise UsageError(
            f"{record['found']} ({option} of the run in {folder}) is missing, and the run is evaluated on steps of it: "
            f"put it back, or {way} or to say where it is now"
        )
    raise UsageError(
        f"{there[0]} ({option} of the run in {folder}) is not the file that the run is trained on: then "
        f"{_words(record)}, now {identify(there[0], source.parts)}. Put the first file back, or {way}"
    )


def _given(data: Path, source: UserFile, record: dict[str, Any]) -> tuple[Path, bool]:
    """The absolute path of a file that the user named, and whether it is the run's own."""
    path = data.absolute()
    return path, path.exists() and _same(path, source, record)


def _need_fitted(folder: Path, fitted: dict[str, Any] | None, data: Path) -> None:
    if fitted is None:
        raise UsageError(
            f"--data {data} is not the file of the run, and {folder / FITTED}, which holds what was fitted in "
            "training, is missing; put it back, or evaluate on the run's own file"
        )


def _unread(folder: Path, source: UserFile, record: dict[str, Any]) -> list[str]:
    """A notice where a file that is only trained on has been replaced; it is not read, and may be missing."""
    there = [path for path in _candidates(folder, record) if path.exists()]
    if not there or any(_same(path, source, record) for path in there):
        return []
    return [f"{there[0]} is no longer the file that the run was trained on; it is not read in an evaluation"]


def _unrecorded(experiment: Experiment, evaluated: list[UserFile], data: Path | None) -> Located:
    """The data of a run of an earlier version, of which nothing is known."""
    if not evaluated:
        return Located(experiment, None, [])
    if data is not None:
        experiment = experiment.replace(f"task.{evaluated[-1].option}", str(data.absolute()))
    said = "an earlier version made this run and did not record its data"
    if data is not None:
        return Located(experiment, None, [f"{said}: what was fitted in training is fitted again, on {data}"])
    return Located(experiment, None, [f"{said}: whether {evaluated[-1].path} is the same file is not known"])
