"""Rows of arrays, as the model of a recognition and a generation network learns them."""

import math
from typing import Any

import numpy as np

from vestige.data.labelled_rows import LabelledRows, encoded_rows, fitted_layout
from vestige.data.row_layout import RowLayout
from vestige.data.tables import Column, Encoder, Scales, Schema
from vestige.data.tables.inference import label
from vestige.data.tables.sliced import SlicedTable, array_table
from vestige.learners.base import AbstractArrayEstimator, RefusedInput, refusals_of
from vestige.models.tied import Net

KINDS = ("number", "count", "bit", "class")
NAME = "column {place}"
LABEL = "class"


class AbstractRowEstimator(AbstractArrayEstimator):
    """An estimator on rows of numbers, counts, bits and classes, some of which may be missing (NaN).

    `kinds` says what the columns are, a word for each (`number`, `count`, `bit`, `class`, the last one by numbers), or
    one for all; `grey` that numbers and counts are grey levels from 0 to it.
    """

    layers: str
    kinds: Any
    grey: float | None
    updates: int | None
    batch_size: int
    rate: float
    validation: float | None
    random_state: Any

    @property
    def _gaps(self) -> bool:
        return True

    def _learn(self, X: np.ndarray, labels: np.ndarray | None, names: tuple[str, ...]) -> None:
        """Train the model: `layout_`, `model_`, `n_updates_`, `validation_error_`.

        **Arguments:**

        - `X`: checked.
        - `labels`: (rows,) numbers of classes, -1 where not known; None: there are no classes.
        - `names`: of the classes.
        """
        from vestige.runs.fits.labelled_plan import RowTraining, most_updates, rule_for, trial_of
        from vestige.tasks.tied.loading import table_task

        seed = self._seed()
        batch, updates = self._whole("batch_size", 1), self._whole("updates", 1, none=True)
        rate = self._positive("rate")
        share = None if self.validation is None else self._share("validation")
        weight = self._positive("label_weight") if labels is not None else 1.0
        with refusals_of(self):
            from vestige.models.tied.layers import sizes

            if not isinstance(self.layers, str):
                raise self._refused("layers", "sizes from the data upward, such as '100' or '100-50'")
            sizes(self.layers)
            table = _table(X)
            layout, _ = fitted_layout(table, self._schema(X, names), None, rows=np.arange(len(X)), grey=self.grey)
            values = encoded_rows(layout, table)[0]
            layout = _with_classes(layout, names)
            known = np.full(len(X), -1, np.int32) if labels is None else labels
            rows = LabelledRows(layout, values, known, values[:1], np.zeros(1, np.int32), ())
            training = RowTraining(self.layers, rule_for(labels is not None, weight), rate, batch or 1, seed)
            most = most_updates(len(X)) if updates is None else updates
            self.validation_error_, found = math.nan, {}
            if share is not None and (trial := trial_of(rows, seed, share)) is not None:
                found = training.tried(trial, most)
            self.n_updates_ = min(found, key=lambda step: found[step]) if found else most
            if found:
                self.validation_error_ = found[self.n_updates_]
            task = table_task(rows, labels_per_class=None, samples=1, seed=seed)
            self.layout_ = layout.as_plain()
            self.model_ = training.trained(task, self.n_updates_)

    def _rows(self, X: Any) -> tuple[np.ndarray, np.ndarray, RowLayout]:
        """Checked rows, rows as the model sees them, and their layout."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "layout_")
        found = self._checked(X, fitting=False)
        layout = RowLayout.from_plain(self.layout_)
        with refusals_of(self):
            return found, encoded_rows(layout, _table(found))[0], layout

    @property
    def _net(self) -> Net:
        return self.model_.resolve()

    def _template(self) -> Any:
        import jax
        import jax.numpy as jnp

        from vestige.models.tied.build import build_pair_of_rows
        from vestige.models.tied.ties import full
        from vestige.tasks.tied.rows import bias_of, visible_of

        layout = RowLayout.from_plain(self.layout_)
        labels = jnp.zeros((1, len(layout.classes))) if layout.label is not None else None
        visible = visible_of(layout)
        return build_pair_of_rows(
            visible,
            bias_of(layout, visible),
            labels,
            layers=self.layers,
            tie=full,
            scale=0.1,
            key=jax.random.key(0),
        )

    def _schema(self, X: np.ndarray, classes: tuple[str, ...]) -> Schema:
        kinds = [self.kinds] * X.shape[1] if isinstance(self.kinds, str) else self.kinds
        if kinds is None:
            kinds = ["number"] * X.shape[1]
        kinds = list(kinds)
        if len(kinds) != X.shape[1] or any(kind not in KINDS for kind in kinds):
            raise self._refused("kinds", f"one of {', '.join(KINDS)}, or one of them for each of {X.shape[1]} columns")
        columns = tuple(_column(place, kind, X[:, place]) for place, kind in enumerate(kinds))
        return Schema(columns, len(X))

    def _positive(self, name: str) -> float:
        value = getattr(self, name)
        if isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 < float(value) < math.inf:
            return float(value)
        raise self._refused(name, "positive and finite")


def _table(X: np.ndarray) -> SlicedTable:
    return array_table("X", {NAME.format(place=place): X[:, place] for place in range(X.shape[1])})


def _column(place: int, kind: Any, values: np.ndarray) -> Column:
    known = values[~np.isnan(values)]
    words = tuple(label(float(value)) for value in np.unique(known)) if kind == "class" else ()
    low, high = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return Column(NAME.format(place=place), "float64", kind, "input", None, words, low=low, high=high)


def _with_classes(layout: RowLayout, names: tuple[str, ...]) -> RowLayout:
    """The same with a label, which is no column of the array."""
    if not names:
        return layout
    schema = layout.encoder.schema
    outcome = Column(LABEL, "text", "class", "outcome", None, names)
    wider = Schema((*schema.columns, outcome), schema.rows)
    scales: Scales = layout.encoder.scales
    return RowLayout(Encoder(wider, scales), LABEL, layout.grey, layout.centre, layout.rates, layout.spreads)


def refused(owner: object, said: str) -> RefusedInput:
    """The error of an estimator.

    **Arguments:**

    - `owner`: the estimator.
    - `said`: what is wrong.
    """
    return RefusedInput(f"{type(owner).__name__}: {said}")
