"""What `vestige fit` trains on a table of examples: sizes and updates, chosen on its training part."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from vestige.data.labelled_rows import LabelledRows, split
from vestige.experiments.experiment import Experiment
from vestige.models.tied import TiedPair
from vestige.models.tied.specs import TiedRowsSpec
from vestige.rules.spec import RuleSpec
from vestige.rules.tied.specs import HybridSpec, ReweightedWakeSleepSpec
from vestige.runs.fits.contract import FitPlan
from vestige.tasks import AbstractTask
from vestige.tasks.tied.loading import table_task
from vestige.tasks.tied.rows import LabelledTable
from vestige.tasks.tied.table_specs import LabelledTableSpec
from vestige.tasks.tied.validation import Validation
from vestige.training import Cadence, fit
from vestige.training.optimisers import AdamSpec

LAYERS = ("32", "100")
"""Sizes that are tried."""
RATE = 3e-3
LABEL_WEIGHT = 100.0
"""Of the label's cost beside that of all values."""
SAMPLES = 5
TESTED = 0.2
"""Share of the training rows on which sizes and updates are chosen."""
POINTS, MOST_UPDATES, LEAST_UPDATES, EPOCHS = 10, 4000, 1000, 100
BATCH = 50


def planned(spec: LabelledTableSpec, *, steps: int | None, seed: int, note: Callable[[str], None]) -> FitPlan:
    """Choose sizes and updates for a table of examples.

    Each size is trained once on four fifths of the training rows, and tested ten times on the last one: by the
    cross-entropy of the class, or where there are no classes by the likelihood.

    **Arguments:**

    - `spec`: of the table.
    - `steps`: updates at most; None: as many as the number of rows suggests.
    - `seed`: of the split and of the trials.
    - `note`: receives what goes on.

    **Raises:** `UsageError` where the table cannot be learned.
    """
    rows = spec.rows(seed=seed)
    most = most_updates(len(rows.train)) if steps is None else steps
    rule = rule_for(rows.layout.label is not None)
    found: dict[tuple[str, int], float] = {}
    if (trial := trial_of(rows, seed)) is not None:
        for layers in LAYERS:
            note(f"trying {layers} hidden units on a fifth of the training rows")
            errors = RowTraining(layers, rule, seed=seed).tried(trial, most)
            found |= {(layers, step): error for step, error in errors.items()}
    if not found:
        layers, updates = LAYERS[0], most
        why = f"Its training rows are too few to choose sizes on a part of them: {layers} hidden units."
    else:
        layers, updates = min(found, key=lambda place: found[place])
        what = "cross-entropy of the class" if rows.layout.label is not None else "negative log-likelihood"
        why = (
            f"{layers} hidden units and {updates:,} updates had the lowest {what} on a fifth of the training rows, "
            f"{found[layers, updates]:.4g} nats."
        )
    experiment = Experiment(
        spec,
        TiedRowsSpec(layers),
        rule,
        AdamSpec(RATE),
        steps=updates,
        batch_size=BATCH,
        num_evals=2,
        eval_size=min(250, max(1, len(rows.test))),
    )
    return FitPlan(experiment, (why, *_said(rows)))


def rule_for(labelled: bool, weight: float = LABEL_WEIGHT) -> RuleSpec:
    """The rule: reweighted wake-sleep, where there are classes with their cost beside it.

    **Arguments:**

    - `labelled`: whether there are classes.
    - `weight`: of their cost.
    """
    return HybridSpec(weight, samples=SAMPLES) if labelled else ReweightedWakeSleepSpec(samples=SAMPLES)


def most_updates(rows: int) -> int:
    """How many updates are made at most.

    **Arguments:** `rows`: that are trained on.
    """
    return min(MOST_UPDATES, max(LEAST_UPDATES, EPOCHS * rows // BATCH))


@dataclass(frozen=True)
class RowTraining:
    """How a pair learns rows.

    - `layers`: sizes of its hidden layers.
    - `rule`: by which it learns.
    - `rate`: of Adam.
    - `batch_size`: rows of an update.
    - `seed`: of weights and batches.
    """

    layers: str
    rule: RuleSpec
    rate: float = RATE
    batch_size: int = BATCH
    seed: int = 0

    def trained(self, task: LabelledTable, steps: int) -> TiedPair:
        """A model trained on all rows.

        **Arguments:**

        - `task`: with the rows.
        - `steps`: updates.
        """
        return self._fitted(task, task, steps, Cadence(steps, steps)).model

    def tried(self, trial: Validation, steps: int) -> dict[int, float]:
        """Errors on a part of the rows while the others are learned.

        **Arguments:**

        - `trial`: the parts.
        - `steps`: updates.

        **Returns:** number of updates -> error, where it is finite.
        """
        every = max(1, steps // POINTS)
        fitted = self._fitted(trial, trial.of, steps, Cadence(every, steps, every, len(trial.of.test)))
        name = "label_nll" if trial.of.train_labels is not None else "nll"
        found = {int(r["step"]): float(r[name]) for r in fitted.history if r["kind"] == "evaluate" and r["step"]}
        return {step: error for step, error in found.items() if math.isfinite(error)}

    def _fitted(self, task: AbstractTask, rows: LabelledTable, steps: int, cadence: Cadence) -> Any:
        model_spec = TiedRowsSpec(self.layers)
        key_model, key_run = jax.random.split(jax.random.key(self.seed))
        return fit(
            model_spec.build(rows, key=key_model),
            task,
            rule=self.rule.build(model_spec, rows),
            optimiser=AdamSpec(self.rate).build(steps, task=rows, rule=self.rule),
            steps=steps,
            key=key_run,
            batch_size=self.batch_size,
            cadence=cadence,
        )


def trial_of(rows: LabelledRows, seed: int, share: float = TESTED) -> Validation | None:
    """The training rows in two parts.

    **Arguments:**

    - `rows`: of a table.
    - `seed`: of the split.
    - `share`: of the second part.

    **Returns:** training on the first part, tested on the second; None where one would be too small.
    """
    early, late = split(rows.train_labels, share, seed + 1)
    if not len(late) or len(early) < 4:
        return None
    parts = rows._replace(
        train=rows.train[early],
        train_labels=rows.train_labels[early].copy(),
        test=rows.train[late],
        test_labels=rows.train_labels[late],
    )
    return Validation(table_task(parts, labels_per_class=None, samples=50, seed=seed))


def _said(rows: LabelledRows) -> list[str]:
    found = []
    gone = np.isnan(rows.train).any(axis=1).sum()
    if gone:
        found.append(f"{gone:,} of {len(rows.train):,} training rows lack a value; what is missing is integrated out.")
    if rows.layout.label is not None and (hidden := int((rows.train_labels < 0).sum())):
        found.append(f"{hidden:,} training rows have no class; they are learned from as they are.")
    return found
