"""`Embedder`: what hidden units expect of a row, as features."""

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from vestige.learners.rows import AbstractRowEstimator


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, AbstractRowEstimator):
    """Features of rows, learned without classes: E[hidden units | row] in [0, 1], layer beside layer.

    Missing values (NaN) are integrated out in training, and guessed by the model before a row is embedded.

    **Arguments:**

    - `layers`: hidden units from the data upward, such as `"100"` or `"100-50"`.
    - `kinds`: what the columns are, one word or one for each: `number` (by default), `count`, `bit`, `class`.
    - `grey`: numbers and counts are grey levels from 0 to this.
    - `updates`: at most; None: as many as the number of rows suggests, from 1,000 to 4,000.
    - `validation`: share of the rows on whose likelihood the number of updates is chosen; None: all `updates` are made.
    - `batch_size`, `rate`: rows of an update, and the rate of Adam.
    - `random_state`: of weights, batches and the validation rows.

    **Attributes:** `n_updates_`, `validation_error_` (-log p, nats a row).

    **Raises:** in `fit`, `RefusedInput`, a `ValueError`, for an option that cannot be, naming it.
    """

    def __init__(
        self,
        layers: str = "100",
        *,
        kinds: Any = None,
        grey: float | None = None,
        updates: int | None = None,
        validation: float | None = None,
        batch_size: int = 50,
        rate: float = 3e-3,
        random_state: Any = None,
    ):
        self.layers, self.kinds, self.grey, self.updates = layers, kinds, grey, updates
        self.validation, self.batch_size, self.rate, self.random_state = validation, batch_size, rate, random_state

    def fit(self, X: Any, y: Any = None) -> "Embedder":
        """Learn from rows.

        **Arguments:**

        - `X`: (rows, columns), NaN where missing.
        - `y`: ignored.
        """
        self._learn(self._checked(X, fitting=True, least=2), None, ())
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The features of rows.

        **Arguments:** `X`: (rows, columns), NaN where missing.

        **Returns:** (rows, hidden units) float64.
        """
        from vestige.tasks.tied.row_answers import features

        _, values, _ = self._rows(X)
        return features(self._net, values)

    @property
    def _n_features_out(self) -> int:
        return sum(units.size for units in self.model_.units[1:])
