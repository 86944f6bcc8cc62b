"""What the experiments with agents, and the room of two colours, were called in schema 1."""

from collections.abc import Mapping
from typing import Any

from vestige.runs.schema1.memup import CLASSES, cell_of
from vestige.runs.schema1.names import Names


def _maze(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    flat = {**flat, "num_evals": 30, "eval_size": 256}
    if flat["rule.memory.name"] == "memup":
        return {**flat, "rule.memory.scan_chunk": 500}
    return {name: value for name, value in flat.items() if name not in ("rule.memory.targets", "rule.memory.frequency")}


def _two_colors(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    flat = {**flat, "num_evals": 10, "eval_size": flat["task.held_out"]}
    if flat["rule.name"] == "memup":
        flat["rule.scan_chunk"] = 105
    return cell_of(flat)


TMAZE = Names(
    options={
        "length": "task.length",
        "jitter": "task.jitter",
        "hidden": "model.hidden",
        "features": "model.features",
        "width": "model.width",
        "heads": "model.heads",
        "keep": "model.forget_bias",
        "training": "rule",
        "training.rule": "rule.memory.name",
        "rollout": "rule.memory.rollout",
        "targets": "rule.memory.targets",
        "frequency": "rule.memory.frequency",
        "ppo": "rule.policy",
        "memory_optimiser": "optimiser.memory",
        "policy_optimiser": "optimiser.policy",
        "batch": "batch_size",
    },
    classes={"rule": {"Pretrained": "pretrained", "Joint": "joint"}},
    always={
        "task": "tmaze",
        "model": "agent",
        "rule.memory": "memup",
        "optimiser": "by-part",
        "optimiser.memory": "adam",
        "optimiser.policy": "adam",
    },
    values={"training": {"truncated": "pretrained-truncated"}},
    finish=_maze,
)

TWO_COLORS = Names(
    options={
        "episodes": "task.episodes",
        "held_out": "task.held_out",
        "skip": "task.skip",
        "tics": "task.tics",
        "cell": "model.cell",
        "cell.keep": "model.cell.forget_bias",
        "cell.admit": "model.cell.input_bias",
        "cell.width": "cell.word_size",
        "features": "model.features",
        "channels": "model.channels",
        "width": "model.width",
        "rollout": "rule.rollout",
        "batch": "batch_size",
    },
    classes={
        **{part: CLASSES[part] for part in ("model.cell", "rule", "optimiser")},
    },
    always={"task": "two-colors", "model": "picture-memory"},
    finish=_two_colors,
)

AGENTS: Mapping[str, Names] = {"tmaze": TMAZE, "two-colors": TWO_COLORS}
"""By the name of the experiment."""
