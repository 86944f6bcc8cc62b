"""`Classifier`: a class of a row, from a part of its values if need be."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from vestige.learners.rows import AbstractRowEstimator, refused


class Classifier(ClassifierMixin, AbstractRowEstimator):
    """A classifier that also knows how probable a row is: one stack of weights, upward to classify, downward to
    generate.

    Missing values (NaN) are integrated out, in training and in prediction; rows whose `y` is `unlabelled` are learned
    from without a class. Compiles a few programs (seconds each); then time in proportion to rows and updates.

    **Arguments:**

    - `layers`: hidden units from the data upward, such as `"100"` or `"100-50"`.
    - `label_weight`: of the cost of the class (nats) beside that of all values of a row.
    - `kinds`: what the columns are, one word or one for each: `number` (by default), `count`, `bit`, `class`.
    - `grey`: numbers and counts are grey levels from 0 to this.
    - `unlabelled`: the value of `y` of rows without a class; None: every row has one.
    - `updates`: at most; None: as many as the number of rows suggests, from 1,000 to 4,000.
    - `validation`: share of the rows on which the number of updates is chosen before all are learned; None: all
      `updates` are made.
    - `batch_size`, `rate`: rows of an update, and the rate of Adam.
    - `random_state`: of weights, batches and the validation rows.

    **Attributes:** `classes_`, `n_updates_`, `validation_error_` (cross-entropy, nats).

    **Raises:** in `fit`, `RefusedInput`, a `ValueError`, for an option that cannot be, naming it.
    """

    def __init__(
        self,
        layers: str = "100",
        *,
        label_weight: float = 100.0,
        kinds: Any = None,
        grey: float | None = None,
        unlabelled: Any = None,
        updates: int | None = None,
        validation: float | None = 0.2,
        batch_size: int = 50,
        rate: float = 3e-3,
        random_state: Any = None,
    ):
        self.layers, self.label_weight, self.kinds, self.grey = layers, label_weight, kinds, grey
        self.unlabelled, self.updates, self.validation = unlabelled, updates, validation
        self.batch_size, self.rate, self.random_state = batch_size, rate, random_state

    def fit(self, X: Any, y: Any) -> "Classifier":
        """Learn from rows.

        **Arguments:**

        - `X`: (rows, columns), NaN where missing.
        - `y`: (rows,), the class of each.

        **Raises:** `ValueError` where the arrays or the options cannot be learned from.
        """
        if y is None:
            raise refused(self, "requires y to be passed, but the target y is None")
        found = self._checked(X, fitting=True, least=2)
        y = column_or_1d(y, warn=True)
        check_consistent_length(found, y)
        known = np.ones(len(y), bool) if self.unlabelled is None else np.asarray(y != self.unlabelled, bool)
        if not known.any():
            raise refused(self, "no row has a class: y is unlabelled everywhere")
        check_classification_targets(y[known])
        self.classes_, numbers = np.unique(y[known], return_inverse=True)
        if len(self.classes_) < 2:
            raise refused(self, f"y has 1 class, {self.classes_[0]!r}; at least 2 are needed")
        labels = np.full(len(y), -1, np.int32)
        labels[known] = numbers
        self._learn(found, labels, tuple(map(str, range(len(self.classes_)))))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row.

        **Arguments:** `X`: (rows, columns), NaN where missing.

        **Returns:** (rows,), of `classes_`.
        """
        best = self.predict_proba(X).argmax(axis=1)  # first: it says where there was no fit
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class.

        **Arguments:** `X`: (rows, columns), NaN where missing.

        **Returns:** (rows, classes) float64, in the order of `classes_`.
        """
        from vestige.tasks.tied.row_answers import class_probabilities

        _, values, _ = self._rows(X)
        return class_probabilities(self._net, values)

    def score_samples(self, X: Any) -> np.ndarray:
        """log p of the values of each row that are there, nats, of numbers in the units of `X`.

        **Arguments:** `X`: (rows, columns), NaN where missing.

        **Returns:** (rows,) float64.
        """
        from vestige.tasks.tied.row_answers import log_densities

        _, values, layout = self._rows(X)
        return log_densities(self._net, values) + layout.log_units(values)
