"""What `config.yaml` says of a run, and the run it speaks of."""

from pathlib import Path
from typing import Any, NamedTuple

from vestige.experiments.catalogue import find
from vestige.experiments.contract import AbstractOptions
from vestige.experiments.entry import Entry
from vestige.experiments.folder import CONFIG, device, fingerprint, read_config, versions
from vestige.experiments.serial import from_plain, to_plain


def describe(entry: Entry[Any], options: AbstractOptions, *, preset: str, seed: int, command: str) -> dict[str, Any]:
    """What `config.yaml` holds: everything needed to repeat the run."""
    return {
        "experiment": entry.name,
        "title": entry.title,
        "subject": options.subject,
        "preset": preset,
        "seed": seed,
        "options": to_plain(options),
        "command": command,
        "versions": versions(),
        "device": device(),
    }


class Recorded(NamedTuple):
    """Which run a folder holds."""

    entry: Entry[Any]
    options: AbstractOptions
    seed: int

    @property
    def identity(self) -> str:
        """A digest of all that its checkpoints depend on."""
        return fingerprint(self.entry.name, to_plain(self.options), self.seed)


def recorded(folder: Path) -> Recorded:
    """The run in `folder`, by its configuration alone.

    **Raises:** `UsageError` where it is no run folder, or one of another version.
    """
    config = read_config(folder)
    entry = find(str(config.get("experiment")))
    options = from_plain(entry.kind, config["options"], where=str(folder / CONFIG))
    return Recorded(entry, options, int(config["seed"]))
