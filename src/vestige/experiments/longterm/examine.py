"""What a trained long-term memory came to."""

from typing import Any

import numpy as np

from vestige.experiments.contract import Built, Findings
from vestige.experiments.longterm.choices import chosen
from vestige.experiments.longterm.spanned import AbstractSpanned
from vestige.experiments.longterm.spans import by_span
from vestige.experiments.longterm.storage import storage_by_span
from vestige.rules import MemUP
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.typing import Key

REPEATS = 4  # evaluations behind the final metrics


def examine(options: AbstractSpanned, built: Built, model: Any, *, key: Key) -> Findings:
    """Metrics on held-out sequences, the same task at other spans, what the rule stores, and what it asks about."""
    task, size = built.task, options.evaluation_size
    held_out = evaluate_many(task, model, size, REPEATS, key=key)
    metrics = scalars(held_out)
    spans = by_span(options, model, key=key)
    stored = storage_by_span(options)
    metrics["backward_bytes"] = float(stored[options.task.span])
    arrays = {
        "spans": np.asarray(list(spans), np.float64),
        "metric_by_span": np.asarray(list(spans.values()), np.float64),
        "storage_spans": np.asarray(list(stored), np.float64),
        "storage_bytes": np.asarray(list(stored.values()), np.float64),
    }
    if isinstance(built.rule, MemUP):
        found = chosen(built.rule, model, task, key=key)
        metrics["precision"] = found.pop("precision")
        arrays |= found
    return Findings(metrics, {}, task.bounds(held_out), arrays)
