"""Names of schema 1: experiments with a recognition and a generation network, and calibration."""

from collections.abc import Mapping
from typing import Any

from vestige.runs.schema1.names import Names

_SIZES = {"batch": "batch_size", "evaluations": "num_evals", "evaluation_size": "eval_size"}


def _pair(**task: str) -> Names:
    """`task`: options of the task that were called otherwise, or were the experiment's."""
    return Names(
        options={
            **_SIZES,
            "data": "task",
            "data.known": "task.labels_per_class",
            "data.pixels": "task.side",
            "layers": "model.layers",
            "tie": "model.tie",
            "scale": "model.scale",
            **task,
        },
        classes={
            "task": {"BarsAndStripes": "bars-and-stripes", "BinaryDigits": "binary-digits"},
            "model.tie": {"FullyTied": "full", "NotTied": "none", "TiedByScale": "scaled", "SoftlyTied": "soft"},
            "rule": {
                "WakeSleep": "wake-sleep",
                "Reweighted": "rws",
                "Bidirectional": "bihm",
                "Variational": "nvil",
                "MultiSample": "vimco",
                "Hybrid": "hybrid",
                "Exact": "exact",
            },
        },
        always={"model": "tied-pair", "optimiser": "adam"},
        in_full=frozenset({"samples"}),  # those of a rule have the same short name
    )


def _unclipped(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    return {**flat, "rule.clip": None}


CALIBRATION = Names(
    options={
        **_SIZES,
        "source": "task.source",
        "binary": "task.binary",
        "passes": "task.passes",
        "width": "model.width",
        "depth": "model.depth",
    },
    classes={},
    always={"task": "calibrated-digits", "model": "classifier", "rule": "gradient", "optimiser": "adam"},
    finish=_unclipped,
)

TWO_WAYS: Mapping[str, Names] = {
    "bars-and-stripes": _pair(samples=""),  # nothing is sampled there
    "tied-digits": _pair(samples="task.samples"),
    "tied-mnist": _pair(samples="task.samples"),
    "calibration": CALIBRATION,
}
