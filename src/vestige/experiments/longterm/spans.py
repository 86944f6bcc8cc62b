"""How far a memory reaches."""

from typing import Any

from vestige.experiments.longterm.spanned import AbstractSpanned
from vestige.tasks.evaluation import evaluate
from vestige.typing import Key

SIZE = 64  # sequences per span
FARTHEST = 10_000  # beyond the span of training, no farther than this
PARTS = (1 / 16, 1 / 4, 1, 4)


def by_span(options: AbstractSpanned, model: Any, *, key: Key) -> dict[int, float]:
    """The task's metric at a few spans, shorter and longer ones than `model` was trained for: span -> metric.

    Empty where the task has but one.
    """
    own, metric = options.task.span, options.headline
    spans = sorted({max(1, round(own * part)) for part in PARTS if own * part <= max(own, FARTHEST)})
    found = {}
    for span in spans:
        there = options.at(span)
        if there is not None:
            found[span] = float(evaluate(there.make_task(), model, SIZE, key=key)[metric])
    return found
