"""`vestige runs prune [FOLDER]`."""

import dataclasses
import sys
from pathlib import Path

import tyro

from vestige.cli.folders import looked_through, sized
from vestige.cli.parse import simple
from vestige.cli.voice import Voice
from vestige.errors import UsageError


@dataclasses.dataclass(frozen=True)
class PruneSettings(Voice):
    """What is removed."""

    folder: tyro.conf.Positional[Path] = Path()
    """A run, or a folder that holds runs; by default runs/, else the present one."""
    all_checkpoints: bool = False
    """Remove the newest checkpoint of each finished run too: evaluate, predict, sample and export then have none."""
    programs: bool = False
    """Also remove the compiled programs that are kept for later processes; they are compiled again when needed."""
    dry_run: bool = False
    """Only show what would be removed."""
    yes: bool = False
    """Do not ask."""


DESCRIPTION = (
    "Remove old checkpoints of finished runs, all but the newest sound one; never results, configurations, logs, "
    "arrays or exported weights, and nothing of a run that is locked, cut or damaged."
)


def main(arguments: list[str]) -> int:
    """Show what is not needed any more, ask, and remove it."""
    settings = simple("runs prune", DESCRIPTION, PruneSettings, arguments)
    settings.listen()
    from vestige.cli.environment import cache_folder
    from vestige.cli.program_cache import distrusted, kept_programs
    from vestige.runs.pruning import carry_out, plan

    folder = looked_through(settings.folder)
    found = plan(folder, all_checkpoints=settings.all_checkpoints)
    cache = cache_folder()
    trusted = settings.programs and cache.is_dir() and not distrusted(cache)
    programs = kept_programs(cache) if trusted else []
    for removal in found.removals:
        settings.note(f"{removal.path}  {sized(removal.bytes)}")
    if programs:
        settings.note(f"{cache}  {len(programs):,} files, {sized(sum(size for _, size, _ in programs))}")
    for sentence in found.kept:
        settings.note(f"kept: {sentence}")
    size = found.bytes + sum(each for _, each, _ in programs)
    nothing = not found.removals and not programs
    removed = not nothing and not settings.dry_run and (settings.yes or _agreed(size))
    problems = carry_out(found) if removed else []
    for _, _, path in programs if removed else []:
        Path(path).unlink(missing_ok=True)
    for problem in problems:
        settings.warn(problem)
    if settings.json:
        plain = [{"path": str(each.path), "bytes": each.bytes} for each in found.removals]
        content = {"folder": str(folder), "checkpoints": plain, "programs": [path for _, _, path in programs]}
        settings.print_json({**content, "kept": found.kept, "bytes": size, "removed": removed})
    elif nothing:
        settings.result("Nothing to remove.")
    else:
        settings.result(f"{sized(size)} {'removed' if removed else 'would be removed'}.")
    return 1 if problems else 0


def _agreed(size: int) -> bool:
    """Ask a person. **Raises:** `UsageError` where there is none."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("nothing was removed: pass --yes to remove this without a question, or --dry-run to look")
    return input(f"Remove {sized(size)}? [y/N] ").strip().lower() in ("y", "yes")
