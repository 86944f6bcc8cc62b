"""Names of schema 1: the toys."""

from collections.abc import Mapping
from typing import Any

from vestige.runs.schema1.names import Names


def _toy(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    if flat.get("model.estimator.name") == "relax" and "model.estimator.score" in flat:
        flat["model.estimator.noise"] = flat.pop("model.estimator.score")
    return {**flat, "rule.clip": None, "num_evals": 30, "eval_size": 1024}


TOY = Names(
    options={
        "batch": "batch_size",
        "problem": "task",
        "estimator": "model.estimator",
        "estimator.of": "model.estimator.score",
    },
    classes={
        "task": {
            "Matching": "toy-matching",
            "SpanningTree": "toy-spanning-tree",
            "Arborescence": "toy-arborescence",
            "BinaryTree": "toy-binary-tree",
        },
        "model.estimator": {"ScoreFunction": "score-function", "LeaveOneOut": "leave-one-out", "Relax": "relax"},
    },
    always={"model": "log-rates", "rule": "gradient", "optimiser": "adam"},
    finish=_toy,
)

TOYS: Mapping[str, Names] = dict.fromkeys(
    ("toy-matching", "toy-spanning-tree", "toy-arborescence", "toy-binary-tree"), TOY
)
