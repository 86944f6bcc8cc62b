"""Registries: the parts of each contract by name, those of Vestige and those that plugins add."""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any, Generic, TypeVar

from vestige.errors import UsageError, nearest, shown
from vestige.spec import load

Part = TypeVar("Part")

CONTRACTS: Mapping[str, str] = {
    "memory": "vestige.memory.specs:MEMORIES",
    "cell": "vestige.cells.specs:CELLS",
    "model": "vestige.models.specs:MODELS",
    "prior": "vestige.models.temporal.specs:PRIORS",
    "tie": "vestige.models.tied.specs:TIES",
    "rule": "vestige.rules.specs:RULES",
    "score": "vestige.rules.memup_specs:SCORES",
    "selection": "vestige.rules.memup_specs:SELECTIONS",
    "structure": "vestige.structures.specs:STRUCTURES",
    "estimator": "vestige.estimators.specs:ESTIMATORS",
    "baseline": "vestige.estimators.specs:BASELINES",
    "task": "vestige.tasks.specs:TASKS",
    "dataset": "vestige.data.registry:DATASETS",
    "optimiser": "vestige.training.optimisers:OPTIMISERS",
    "metric": "vestige.report.metrics:METRICS",
    "section": "vestige.report.sections:SECTIONS",
    "experiment": "vestige.experiments.catalogue:CATALOGUE",
}
"""Every contract, and where its registry is."""


class Registry(Mapping[str, Part], Generic[Part]):
    """The parts of one contract by name, in the order in which they were registered.

    **Arguments:**

    - `contract`: its name, one of `CONTRACTS`.
    - `base`: the class of which every part must be an instance.
    - `builtin`: the parts of Vestige.
    - `derived`: parts that follow from those of other contracts, such as a cell for each memory, by name; they come
      after those that are registered, which have precedence.
    - `aliases`: further name -> name. A part is found by them, and never listed or written under them.
    """

    def __init__(
        self,
        contract: str,
        base: type[Part],
        builtin: Mapping[str, Part],
        *,
        derived: Callable[[], Mapping[str, Part]] | None = None,
        aliases: Mapping[str, str] | None = None,
    ):
        self.contract, self.base = contract, base
        self.aliases: Mapping[str, str] = aliases or {}
        self._parts: dict[str, Part] = dict(builtin)
        self._origins: dict[str, str] = {}
        self._derived = derived

    def _all(self) -> Mapping[str, Part]:
        load_installed()
        if self._derived is None:
            return self._parts
        others = self._derived()
        return {**self._parts, **{name: part for name, part in others.items() if name not in self._parts}}

    def __getitem__(self, name: str) -> Part:
        return self._parts[name] if name in self._parts else self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def find(self, name: str) -> Part:
        """The part of a name.

        **Arguments:**

        - `name`: registered, derived, or an alias.

        **Returns:** the part.

        **Raises:** `UsageError` that suggests the nearest, where there is none of that name.
        """
        name = self.canonical(name)
        if name in self._parts:  # while Vestige itself is imported, no plugin is looked for
            return self._parts[name]
        known = self._all()
        if name not in known:
            raise UsageError(f"unknown {self.contract} '{name}'. {nearest(name, known)}")
        return known[name]

    def canonical(self, name: str) -> str:
        """The name under which a part is listed.

        **Arguments:**

        - `name`: any name, also an unknown one.

        **Returns:** that of which `name` is an alias; else `name`.
        """
        return self.aliases.get(name, name)

    def add(self, name: str, part: Any, *, origin: str = "") -> None:
        """Register a part, or a specification class whose options all have defaults.

        **Arguments:**

        - `name`: letters, digits, hyphens and underscores.
        - `part`: an instance of `base`, or a class of which an instance is made without arguments.
        - `origin`: the module that registers it, for messages and `config.yaml`.

        **Raises:** `UsageError` where the name is taken or no name, a method is missing, or it is no such part.
        """
        where = f"{self.contract} '{name}' of {origin or 'this program'}"
        if not name or not all(c.isalnum() or c in "-_" for c in name) or not name.isascii():
            raise UsageError(f"{where}: a name is made of letters, digits and hyphens; choose another")
        if name in self._parts or name in self.aliases:
            other = self._origins.get(name, "vestige")
            raise UsageError(f"{where}: the name is taken by {other}; choose another")
        if isinstance(part, type):
            missing = sorted(getattr(part, "__abstractmethods__", ()))
            if missing:
                raise UsageError(f"{where}: {part.__name__} lacks {', '.join(missing)}; define them")
            try:
                part = part()
            except TypeError as error:
                raise UsageError(f"{where}: {part.__name__} cannot be made without arguments: {error}") from error
        if not isinstance(part, self.base):
            raise UsageError(
                f"{where}: expected an instance of {self.base.__module__}.{self.base.__name__}, got "
                f"{type(part).__name__}; extend that class"
            )
        self._parts[name] = part
        self._origins[name] = origin

    def origin(self, name: str) -> str:
        """The module that registered a part.

        **Arguments:**

        - `name`: of the part, as it is listed.

        **Returns:** the module's name; empty for the parts of Vestige.
        """
        return self._origins.get(name, "")


def registry(contract: str) -> Registry[Any]:
    """The registry of a contract. Installed plugins are imported when it is listed, or has no part of a name.

    **Arguments:**

    - `contract`: one of `CONTRACTS`: "memory", "rule", "task", …

    **Returns:** the registry, a mapping from names to parts.

    **Raises:** `UsageError` for another name; where a plugin cannot be imported, when it is looked for.
    """
    if contract not in CONTRACTS:
        raise UsageError(f"unknown contract '{contract}'. {nearest(contract, CONTRACTS)}")
    return load(CONTRACTS[contract])


def register(contract: str, name: str, part: Any) -> None:
    """Make a part known by name: to the command line, comparisons, `config.yaml`, bench, report and suites.

    **Arguments:**

    - `contract`: "memory", "rule", "task", … (`CONTRACTS`).
    - `name`: as it is typed, for example after `--memory`.
    - `part`: a specification, or its class where all options have defaults; for `experiment` an `Entry`.

    **Raises:** `UsageError` where the name is taken, a method is missing, or the part is of another contract.
    """
    kind = part if isinstance(part, type) else type(part)
    own = kind.__module__
    if own.startswith("vestige."):  # an instance of one of our classes: named after the module that registers it
        frame = inspect.currentframe()
        own = str(frame.f_back.f_globals.get("__name__", "")) if frame and frame.f_back else own
    registry(contract).add(name, part, origin=own)


PLUGIN_VARIABLE = "VESTIGE_PLUGINS"
"""Modules with commas between them, imported by this process and by those it starts."""

_loaded: set[str] = set()


def load_installed() -> None:
    """Import the plugins of installed packages (entry points of the group `vestige`) and those that were named."""
    from importlib.metadata import entry_points

    if "" in _loaded:
        return
    _loaded.add("")
    for point in entry_points(group="vestige"):
        load_plugin(point.value.partition(":")[0])
    for module in filter(None, os.environ.get(PLUGIN_VARIABLE, "").split(",")):
        load_plugin(module)


def load_plugin(module: str) -> None:
    """Import a module that registers parts; a second call does nothing.

    **Raises:** `UsageError` where it does not import, and as `register` does.
    """
    import importlib

    if module in _loaded:
        return
    _loaded.add(module)
    try:
        importlib.import_module(module)
    except UsageError:
        _loaded.discard(module)
        raise
    except (Exception, SystemExit) as error:  # a module that ends the process is no plugin
        _loaded.discard(module)
        said = shown((str(error).strip().splitlines() or [""])[0], 200)
        raise UsageError(
            f"plugin '{module}' does not import: {type(error).__name__}: {said}. Install it, or leave it out"
        ) from error


def name_plugin(module: str) -> None:
    """Load a plugin here and in all processes that this one starts."""
    named = list(filter(None, os.environ.get(PLUGIN_VARIABLE, "").split(",")))
    if module not in named:
        os.environ[PLUGIN_VARIABLE] = ",".join([*named, module])
    load_plugin(module)


def plugin_version(module: str) -> str:
    """The version of the package that holds a module; empty where it belongs to none."""
    top = module.partition(".")[0]
    try:
        return version(_packages(tuple(sys.path)).get(top, [top])[0])
    except PackageNotFoundError:
        return ""


@functools.cache
def _packages(path: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Packages by the modules that they hold; every installed file is looked at, so once for each search `path`."""
    del path
    return packages_distributions()
