"""`vestige verify RUN`."""

import contextlib
import dataclasses
from pathlib import Path

import tyro

from vestige.cli.parse import simple


@dataclasses.dataclass(frozen=True)
class VerifySettings:
    """Which run, and whether to mend its folder."""

    folder: tyro.conf.Positional[Path]
    """The folder of a run, a comparison or a suite; finished, interrupted or still running."""
    repair: bool = False
    """Set aside what is damaged, as NAME.damaged-1, so that --resume goes on; nothing is deleted."""
    json: bool = False
    """Print the findings as JSON instead of lines."""


def main(arguments: list[str]) -> int:
    """Print one line a file; exit code 0 where all are sound, 1 where one is damaged and was not set aside."""
    settings = simple("verify", "Whether a run folder is what was written into it.", VerifySettings, arguments)
    from vestige.runs.verifying import as_json, repair, runs_in, verify
    from vestige.storage.locking import FolderLock

    folder = settings.folder
    findings = verify(folder)
    if settings.json:
        print(as_json(findings))
    else:
        names = [str(found.path.relative_to(folder)) for found in findings]
        for name, found in zip(names, findings, strict=True):
            print(f"{'ok     ' if found.sound else 'DAMAGED'}  {name:<{max(map(len, names))}}  {found.text}")
    damaged = [found for found in findings if not found.sound]
    if not settings.repair or not damaged:
        return 1 if damaged else 0
    with contextlib.ExitStack() as stack:
        for each in (folder, *(below for below in runs_in(folder) if below != folder)):
            stack.enter_context(FolderLock(each))
        for sentence in repair(verify(folder)):
            print(sentence)
        return 0 if all(found.sound for found in verify(folder)) else 1
