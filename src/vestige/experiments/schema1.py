"""What options, classes and values were called in schema 1 (version 0.1), experiment by experiment.

One table for two uses: folders of version 0.1 are read by it, and command lines of version 0.1 are understood by it,
with a notice, for one release.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of one kind of experiment in schema 1."""

    options: Mapping[str, str]
    """Dotted option -> dotted option of today; the longest that begins an option counts. Empty: it is no more."""
    classes: Mapping[str, Mapping[str, str]]
    """Option of today that holds a part -> class in schema 1 -> registered name."""
    always: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Option of today that holds a part -> registered name, where schema 1 had one class."""
    values: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    """Option of schema 1 -> value on the command line -> value of today."""
    finish: Callable[[str, dict[str, Any]], dict[str, Any]] | None = None
    """What a table cannot say: from the experiment and its options of today, flat, to others."""

    def option(self, old: str) -> str:
        """Today's name of an option."""
        parts = old.split(".")
        for end in range(len(parts), 0, -1):
            head = ".".join(parts[:end])
            if head in self.options:
                return ".".join(filter(None, [self.options[head], *parts[end:]]))
        return old

    def convert(self, experiment: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options of a folder, nested, in today's schema."""
        flat: dict[str, Any] = {**{f"{path}.name": name for path, name in self.always.items()}}
        for old, value in _flat(options):
            path, _, last = old.rpartition(".")
            if last == "kind":
                new = self.option(path)
                if new in self.classes:
                    flat[f"{new}.name"] = self.classes[new][value]
                continue
            new = self.option(old)
            if new:
                flat[new] = value
        return _nested(flat if self.finish is None else self.finish(experiment, flat))


def _flat(options: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in options.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, Mapping) else [(name, value)]
    return found


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        at = found
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return found


_MEMORIES = {
    "Introspection": "introspection",
    "NoMemory": "none",
    "NTM": "ntm",
    "LRU": "lru",
    "DNC": "dnc",
    "Attention": "attention",
}

_MEMORY_OPTIONS = {
    "memory": "model.memory",
    "memory.word": "model.memory.word_size",
    "memory.reach": "model.memory.max_shift",
    "memory.key": "model.memory.key_size",
}

_TEMPORAL_MODEL = {
    "model.latent": "model.latent_size",
    "model.controller": "model.controller_size",
    "model.frames": "model.backbone",
    "model.prior": "model.prior.name",
    "model.posterior": "model.prior.posterior",
}


def _usual_posterior(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    if flat.get("model.prior.posterior", "") is None:
        del flat["model.prior.posterior"]
    return flat


TEMPORAL = Names(
    options={**_MEMORY_OPTIONS, **_TEMPORAL_MODEL, "batch": "batch_size", "task.steps": "task.frames"},
    classes={
        "model.memory": _MEMORIES,
        "task": {
            "PerfectRecall": "perfect-recall",
            "ParityRecall": "parity-recall",
            "DynamicDependency": "dynamic-dependency",
            "SimilarityRecall": "similarity-recall",
            "MapNavigation": "map-navigation",
            "RoomRotation": "room-rotation",
        },
    },
    always={"model": "gtmm", "rule": "gradient", "optimiser": "adam"},
    finish=_usual_posterior,
)

NAMES: Mapping[str, Names] = {
    **dict.fromkeys(
        (
            "perfect-recall",
            "parity-recall",
            "one-shot-recall",
            "dynamic-dependency",
            "similarity-recall",
            "map-navigation",
            "room-rotation",
        ),
        TEMPORAL,
    ),
}
"""By the name of the experiment."""
