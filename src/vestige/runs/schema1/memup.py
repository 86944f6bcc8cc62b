"""What options, classes and values of the experiments with long-term memories were called in schema 1 (version 0.1)."""

from collections.abc import Mapping
from typing import Any

from vestige.runs.schema1.names import Names

SCORES = {"unexplained": "hindsight", "chance": "random", "queries": "oracle"}
SELECTIONS = {"most": "topk"}
CLASSES: Mapping[str, Mapping[str, str]] = {
    "task": {"Recall": "recall", "Copy": "copy", "Add": "add", "Pixels": "pixels", "Xor": "xor"},
    "model.cell": {
        "LSTM": "lstm",
        "GRU": "gru",
        "SRNN": "srnn",
        "Linear": "linear",
        "Remembering": "dnc",
        "Tape": "tape",
    },
    "rule": {"MemUP": "memup", "Truncated": "truncated", "BPTT": "bptt", "Checkpointed": "checkpointed"},
    "optimiser": {"Adam": "adam", "Muon": "muon"},
}
COMMON = {
    "rollout": "rule.rollout",
    "targets": "rule.targets",
    "rule.temperature": "rule.selection.temperature",
    "batch": "batch_size",
    "evaluations": "num_evals",
    "evaluation_size": "eval_size",
}
RECURRENT = {
    **COMMON,
    "cell": "model.cell",
    "cell.keep": "model.cell.forget_bias",
    "cell.admit": "model.cell.input_bias",
    "cell.width": "cell.word_size",
    "model.nearby": "model.context_window",
    "model.context": "model.detector_context",
    "model.detector": "model.detector_width",
}
VALUES: Mapping[str, Mapping[str, str]] = {"rule.score": SCORES, "rule.selection": SELECTIONS}


def rule_of(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Score and selection by name, and only those options of all rules that the one of this run has."""
    flat = dict(flat)
    if flat["rule.name"] != "memup":
        whole = flat["rule.name"] in ("bptt", "checkpointed")
        gone = ("rule.rollout", "rule.targets") if whole else ("rule.targets",)
        return {name: value for name, value in flat.items() if name not in gone}
    score, selection = flat.pop("rule.score"), flat.pop("rule.selection")
    flat |= {"rule.score.name": SCORES.get(score, score), "rule.selection.name": SELECTIONS.get(selection, selection)}
    if flat["rule.selection.name"] == "topk":
        del flat["rule.selection.temperature"]
    return flat


def cell_of(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a tape, or those of the memory behind a cell."""
    flat = dict(flat)
    words = flat.pop("cell.word_size", None)
    if flat["model.cell.name"] == "tape":
        flat["model.cell.word_size"] = words
    if flat["model.cell.name"] == "dnc":
        sizes = {name: flat.pop(f"model.cell.{name}") for name in ("slots", "heads")}
        flat["model.cell.memory.name"] = "dnc"
        flat |= {f"model.cell.memory.{name}": value for name, value in {**sizes, "word_size": words}.items()}
        flat["model.cell.write_size"] = words
    return flat


def finish(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    """What the table of names cannot say of a recurrent memory: `flat`, dotted name -> value; `experiment` is not
    used.
    """
    return cell_of(rule_of(flat))


def finish_stream(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
    """Likewise `flat` of an `experiment` that read a file; the segment of the example is an option of its own today."""
    flat = finish(experiment, flat)
    if flat["task.train"] is None:
        flat["task.example_segment"] = flat.pop("task.segment")
    return flat


def _recurrent(**options: str) -> Names:
    always = {"model": "recurrent"}
    return Names(options={**RECURRENT, **options}, classes=CLASSES, always=always, values=VALUES, finish=finish)


BY_LENGTH = _recurrent(**{"task.shortest": "task.min_length"})
BY_DISTANCE = _recurrent(**{"task.shortest": "task.min_distance"})
STREAM = Names(
    options={**RECURRENT, "reach": "task.max_distance"},
    classes=CLASSES,
    always={"model": "recurrent", "task": "stream"},
    values=VALUES,
    finish=finish_stream,
)


def memup(temporal: Names) -> dict[str, Names]:
    """By the name of the experiment; `temporal` are those of generative temporal models, of which one is a memory."""
    images = {f"task.images.{name}": f"task.images.{name}" for name in ("source", "binarise")}

    def finish_generative(experiment: str, flat: dict[str, Any]) -> dict[str, Any]:
        return rule_of(flat if temporal.finish is None else temporal.finish(experiment, flat))

    generative = Names(
        options={
            **temporal.options,
            **COMMON,
            **images,
            "task.of": "task.images",
            "task.images": "task.num_images",
            "task.shortest": "task.min_distance",
        },
        classes={**CLASSES, "model.memory": temporal.classes["model.memory"]},
        always={"model": "generative-memory", "task": "gap"},
        values=VALUES,
        finish=finish_generative,
    )
    return {
        "recall": BY_DISTANCE,
        "copy": BY_LENGTH,
        "scattered-copy": BY_LENGTH,
        "add": BY_LENGTH,
        "pixel-mnist": BY_LENGTH,
        "xor": BY_DISTANCE,
        "stream": STREAM,
        "gap-recall": generative,
    }
