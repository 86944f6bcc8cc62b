"""What `config.yaml` holds of a run, and the run it describes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.plain import from_plain, options_of, to_plain
from vestige.registries import load_plugin, plugin_version, registry
from vestige.runs.folder import CONFIG, device, fingerprint, read_options, versions
from vestige.runs.migrate import SCHEMA, migrated
from vestige.spec import Spec
from vestige.storage.source_commit import source_commit


def describe(entry: Entry, experiment: Experiment, *, preset: str, seed: int, command: str) -> dict[str, Any]:
    """What `config.yaml` holds: everything needed to repeat the run.

    **Arguments:**

    - `entry`, `experiment`: of the run.
    - `preset`: the name of the preset that it started from.
    - `seed`: of the run.
    - `command`: as it was typed.

    **Returns:** plain values. `options` is what is read back: registered names, and what differs from their defaults;
    `all_options` is for people.
    """
    return {
        "schema": SCHEMA,
        "experiment": entry.name,
        "title": entry.title,
        "subject": experiment.model.subject,
        "preset": preset,
        "metric": experiment.task.metric,
        "seed": seed,
        "options": to_plain(experiment),
        "all_options": options_of(experiment),
        "plugins": {module: plugin_version(module) for module in plugins_of(entry, experiment)},
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": source_commit(),
        "versions": versions(),
        "device": device(),
    }


def plugins_of(entry: Entry, experiment: Experiment) -> list[str]:
    """The modules that registered the parts of a run, without those of Vestige.

    **Arguments:**

    - `entry`, `experiment`: of the run.
    """
    found = {registry("experiment").origin(entry.name)}
    for spec in _specs(experiment):
        if not type(spec).__module__.startswith("vestige."):
            found.add(type(spec).__module__)
    return sorted(found - {""})


def _specs(spec: Spec) -> Iterator[Spec]:
    yield spec
    for value in vars(spec).values():
        if isinstance(value, Spec):
            yield from _specs(value)


class Origin(NamedTuple):
    """The checkpoint whose weights a run began with."""

    folder: str
    step: int
    digest: str
    """Of its manifest."""


class RunConfig(NamedTuple):
    """Which run a folder holds."""

    entry: Entry
    experiment: Experiment
    seed: int
    identity: str
    """A digest of all that its checkpoints depend on."""
    earlier: tuple[str, ...]
    """What that digest was before the run was made longer."""
    origin: Origin | None
    """Whose weights the run began with, if another's."""
    notices: list[str]
    """What a reader should know: another version of a plugin."""


def identity(entry: Entry, experiment: Experiment, seed: int) -> str:
    """A digest of all that the checkpoints of a new run depend on.

    **Arguments:**

    - `entry`, `experiment`, `seed`: of the run.
    """
    return fingerprint(entry.name, to_plain(experiment), seed)


def recorded(folder: Path) -> RunConfig:
    """The run in `folder`, by its configuration alone; those of earlier schemas are read as what they mean today.

    **Raises:** `UsageError` where it is no run folder, its schema is a later one, a plugin is missing, or an option is
    unknown.
    """
    config, where = read_options(folder), str(folder / CONFIG)
    notices = load_plugins(config, where)
    entry = registry("experiment").find(str(config.get("experiment")))
    seed = config.get("seed")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise UsageError(f"{where} is damaged: seed must be an integer, got {seed}")
    options = migrated(config, where=where)
    experiment = from_plain(Experiment, options, where=where)
    origin, earlier = _origin(config.get("init_from"), where), config.get("extended", [])
    if not isinstance(earlier, list) or not all(isinstance(each, str) for each in earlier):
        raise UsageError(f"{where} is damaged: extended must list what identified the run, got {earlier}")
    begun = [origin.digest] if origin else []
    name = fingerprint(entry.name, config["options"], seed, *begun)
    return RunConfig(entry, experiment, seed, name, tuple(earlier), origin, notices)


def _origin(given: Any, where: str) -> Origin | None:
    if given is None:
        return None
    kinds = {"folder": str, "step": int, "digest": str}
    if not isinstance(given, dict) or any(not isinstance(given.get(name), kind) for name, kind in kinds.items()):
        raise UsageError(f"{where} is damaged: init_from must name folder, step and digest, got {given}")
    return Origin(given["folder"], given["step"], given["digest"])


def load_plugins(config: dict[str, Any], where: str) -> list[str]:
    """Load the plugins that a configuration names.

    **Arguments:**

    - `config`: what the file holds.
    - `where`: the file, for messages.

    **Returns:** a sentence for each that is of another version here.

    **Raises:** `UsageError` where one is missing.
    """
    plugins, notices = config.get("plugins") or {}, []
    if not isinstance(plugins, dict):
        raise UsageError(f"{where} is damaged: plugins must name modules and versions, got {plugins}")
    for module, given in plugins.items():
        try:
            load_plugin(str(module))
        except UsageError as error:
            version = f" (version {given})" if given else ""
            raise UsageError(f"{where} needs the plugin '{module}'{version}: {error}") from error
        here = plugin_version(str(module))
        if given and here != given:
            notices.append(f"the run was made with {module} {given}, here is {here or 'an unknown version'}")
    return notices
