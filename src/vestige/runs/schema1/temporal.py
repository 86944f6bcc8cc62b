"""What options and classes of the experiments with generative temporal models were called in schema 1 (version 0.1)."""

from typing import Any

from vestige.runs.schema1.names import Names

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
    "model.prior.posterior": "model.prior.posterior",  # today's own, which the line above would rename
    "model.prior.between": "model.prior.between",
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
