"""Tables of examples as tasks."""

import jax.numpy as jnp
import numpy as np

from vestige.data.labelled_rows import LabelledRows
from vestige.data.row_layout import RowLayout
from vestige.errors import UsageError
from vestige.tasks.tied.labels import few_labels, indicators
from vestige.tasks.tied.rows import LabelledTable


def table_task(rows: LabelledRows, *, labels_per_class: int | None, samples: int, seed: int) -> LabelledTable:
    """The task of examples.

    **Arguments:**

    - `rows`: split.
    - `labels_per_class`: how many labels of each class are known in training, drawn by the seed; None: all.
    - `samples`: as for `LabelledTable`.
    - `seed`: of the run.

    **Raises:** `UsageError` where labels are to be hidden and there are none, or too few.
    """
    layout, labels = rows.layout, rows.train_labels
    if layout.label is not None and not (labels >= 0).any():
        raise UsageError(
            f"column '{layout.label}' holds no class in the rows of the training; name another (--outcomes)"
        )
    if labels_per_class is not None:
        if layout.label is None:
            raise UsageError("labels_per_class counts labels, and the table has no column of classes")
        order = np.random.default_rng(seed).permutation(len(labels))
        try:
            labels[order] = few_labels(labels[order], labels_per_class, len(layout.classes))
        except ValueError as error:
            raise UsageError(str(error)) from error
    return LabelledTable(
        jnp.asarray(rows.train),
        None if layout.label is None else jnp.asarray(indicators(labels, len(layout.classes))),
        jnp.asarray(rows.test),
        jnp.asarray(rows.test_labels),
        layout,
        samples,
    )


def unread_table(layout: RowLayout, samples: int) -> LabelledTable:
    """The task of examples whose table is not read: one row, and none to be evaluated on.

    **Arguments:**

    - `layout`: as it was fitted.
    - `samples`: as for `LabelledTable`.
    """
    row, label = np.full((1, layout.size), np.nan, np.float32), np.zeros(1, np.int32)
    labels = None if layout.label is None else jnp.asarray(indicators(label, len(layout.classes)))
    return LabelledTable(jnp.asarray(row), labels, jnp.asarray(row), jnp.asarray(label), layout, samples, True)
