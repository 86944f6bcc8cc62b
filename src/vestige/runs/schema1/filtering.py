"""What options, classes and values of the experiments with filters were called in schema 1 (version 0.1)."""

from collections.abc import Mapping
from typing import Any

from vestige.models.spec import ModelSpec
from vestige.plain import from_plain
from vestige.runs.schema1.names import Names

CHUNK = "rule.update_interval|rule.bptt_length"
"""Steps of an update: one option of the experiment then, one of each rule today."""
MODEL_DEFAULT = "own"
"""What the class that left a choice to the model stands for; `finish` puts in what that model has."""

OPTIONS: Mapping[str, str] = {
    "task.time": "task.length",
    "rule.reading": "rule.target",
    "rule.pair": "rule.target",
    "chunk": CHUNK,
    "batch": "batch_size",
    "judged": "eval_size",
    "watched": "num_evals",
}

CLASSES: Mapping[str, Mapping[str, str]] = {
    "task": {
        "Ring": "ring",
        "Sensors": "sensors",
        "Balls": "balls",
        "Music": "music",
        "Motion": "motion",
        "Text": "text",
        "Places": "places",
        "File": "recordings",
    },
    "model": {
        "REFH": "refh",
        "TRBM": "trbm",
        "RTRBM": "rtrbm",
        "Deep": "deep",
        "RVAE": "rvae",
        "BinaryRVAE": "rvae-bits",
        "StraightRVAE": "rvae-straight",
        "Factor": "factor",
    },
    "rule": {
        "Own": MODEL_DEFAULT,
        "Local": "local",
        "TransitionOnly": "transition",
        "Foresight": "multi-step",
        "Shuffled": "shuffled",
        "ThroughTime": "through-time",
    },
    "optimiser": {"Own": MODEL_DEFAULT, "Adam": "adam", "MassSpringDamper": "mass-spring-damper"},
}

VALUES: Mapping[str, Mapping[str, str]] = {
    "rule": {"foresight": "multi-step", "bptt": "through-time"},
    "rule.reading": {"pair": "joint"},
    "rule.pair": {"True": "joint", "False": "transition"},
    "task.text": {"shakespeare": "tinyshakespeare", "war-and-peace": "warandpeace"},
}


def _today(name: str, value: Any) -> Any:
    """A value of a folder, by the option's name of today."""
    old = {"rule.target": ("rule.reading", "rule.pair"), "task.text": ("task.text",)}.get(name, ())
    known = {before: after for option in old for before, after in VALUES[option].items()}
    return known.get(str(value), value)


def finish(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    """Choices left to the model as what they were, and the steps of an update as an option of the rule.

    **Arguments:**

    - `experiment`: its name.
    - `flat`: dotted name -> value, under today's names; changed in place.
    """
    chunk = flat.pop(CHUNK)
    flat = {name: _today(name, value) for name, value in flat.items()}
    for part in ("rule", "optimiser"):
        if flat[f"{part}.name"] == MODEL_DEFAULT:
            del flat[f"{part}.name"]
            flat |= {f"{part}.{name}": value for name, value in _default(part, experiment, flat).items()}
    rule = flat["rule.name"]
    if rule == "through-time":
        flat["rule.bptt_length"] = chunk
    elif rule != "shuffled":
        flat["rule.update_interval"] = chunk
    if flat["optimiser.name"] == "mass-spring-damper" and flat.get("optimiser.epoch", 0) is None:
        flat["optimiser.epoch"] = max(1, flat["steps"] // 50)  # None is today what the authors have for these data
    return flat


def _default(part: str, experiment: str, flat: Mapping[str, Any]) -> Mapping[str, Any]:
    head = "model."
    chosen = {name.removeprefix(head): value for name, value in flat.items() if name.startswith(head)}
    model = from_plain(ModelSpec, chosen, where=f"the model of {experiment}")
    return getattr(model, f"default_{part}")


_NAMES = Names(OPTIONS, CLASSES, values=VALUES, finish=finish)
FILTERING: Mapping[str, Names] = dict.fromkeys(
    (
        "ring-tracking",
        "sensor-fusion",
        "bouncing-balls",
        "mocap",
        "music",
        "text",
        "hippocampus",
        "recordings",
    ),
    _NAMES,
)
