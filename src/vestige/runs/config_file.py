"""A configuration as a file of its own: one that a run wrote, that was saved, or that a person wrote."""

from pathlib import Path
from typing import Any, NamedTuple

from vestige import gate
from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.plain import from_plain, to_plain
from vestige.registries import plugin_version, registry
from vestige.runs.config import load_plugins, plugins_of
from vestige.runs.migrate import SCHEMA, migrated
from vestige.storage.durable import write_text

SUFFIXES = (".yaml", ".yml")


class Configured(NamedTuple):
    """What a configuration file says of a run."""

    entry: Entry
    experiment: Experiment
    preset: str
    seed: int
    notices: list[str]
    """What a reader should know: another version of a plugin."""


def read_config_file(path: Path) -> Configured:
    """The run that a configuration file describes, such as the `config.yaml` in a run folder.

    It names an `experiment`, and may name `preset`, `seed`, `plugins` and `options`. Options at the first level that
    are missing are those of the preset. A digest in its first line does not count: the file may have been changed.

    **Arguments:**

    - `path`: of the file.

    **Raises:** `UsageError` where it cannot be read, or says what is not known.
    """
    try:
        config = gate.read_yaml(path)
    except gate.Missing as error:
        raise UsageError(f"{path} does not exist; give an experiment or a configuration file") from error
    except gate.Unreadable as error:
        raise UsageError(str(error)) from error
    if "experiment" not in config:
        raise UsageError(f"{path} names no experiment: it needs a line such as experiment: perfect-recall")
    notices = load_plugins(config, str(path))
    entry: Entry = registry("experiment").find(str(config["experiment"]))
    preset, seed = str(config.get("preset", "small")), config.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise UsageError(f"{path}: seed must be a whole number from 0 on, got {seed}")
    base = entry.preset(preset)
    options = config.get("options") or {}
    if not isinstance(options, dict):
        raise UsageError(f"{path}: options must be names and values, got {options}")
    if options:
        options = migrated({"schema": SCHEMA, **config} if "task" not in options else config, where=str(path))
        options = {**to_plain(base), **options}
    experiment = from_plain(Experiment, options, where=str(path)) if options else base
    return Configured(entry, experiment, preset, seed, notices)


def write_config_file(path: Path, entry: Entry, experiment: Experiment, *, preset: str, seed: int) -> None:
    """Write a configuration for `read_config_file`.

    **Arguments:**

    - `path`: of the file, which must not exist.
    - `entry`, `experiment`, `preset`, `seed`: of the run.

    **Raises:** `UsageError` where the file exists or has another ending than .yaml; `RunError` where it cannot be
    written.
    """
    import yaml

    if path.suffix not in SUFFIXES:
        raise UsageError(f"--save-config must name a .yaml file, got {path}")
    if path.exists():
        raise UsageError(f"{path} exists; choose another name for --save-config")
    config: dict[str, Any] = {
        "schema": SCHEMA,
        "experiment": entry.name,
        "preset": preset,
        "seed": seed,
        "options": to_plain(experiment),
        "plugins": {module: plugin_version(module) for module in plugins_of(entry, experiment)},
    }
    write_text(path, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
