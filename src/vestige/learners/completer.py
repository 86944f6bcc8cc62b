"""`Completer`: missing values, filled in by a model of whole rows."""

from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin

from vestige.data.row_layout import RowLayout
from vestige.learners.rows import NAME, AbstractRowEstimator, refused


class Completer(OneToOneFeatureMixin, TransformerMixin, AbstractRowEstimator):
    """Fills in what is missing (NaN) by its expected value given what is there; of a class the most probable one.

    **Arguments:**

    - `layers`: hidden units from the data upward, such as `"100"` or `"100-50"`.
    - `kinds`: what the columns are, one word or one for each: `number` (by default), `count`, `bit`, `class`.
    - `grey`: numbers and counts are grey levels from 0 to this.
    - `samples`: by which expectations are estimated.
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
        samples: int = 200,
        updates: int | None = None,
        validation: float | None = 0.2,
        batch_size: int = 50,
        rate: float = 3e-3,
        random_state: Any = None,
    ):
        self.layers, self.kinds, self.grey, self.samples, self.updates = layers, kinds, grey, samples, updates
        self.validation, self.batch_size, self.rate, self.random_state = validation, batch_size, rate, random_state

    def fit(self, X: Any, y: Any = None) -> "Completer":
        """Learn from rows.

        **Arguments:**

        - `X`: (rows, columns), NaN where missing.
        - `y`: ignored.

        **Raises:** `ValueError` for a column that is missing in every row or never changes: it could not be filled in.
        """
        found = self._checked(X, fitting=True, least=2)
        self._whole("samples", 1)
        empty = np.isnan(found).all(axis=0)
        if empty.any():
            raise refused(self, f"column {int(np.argmax(empty))} has no value in any row; leave it out")
        self._learn(found, None, ())
        self.constants_ = {
            place: float(values[~np.isnan(values)][0])
            for place, values in enumerate(found.T)
            if NAME.format(place=place) not in self._kept(RowLayout.from_plain(self.layout_))
        }
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The rows with what is missing filled in.

        **Arguments:** `X`: (rows, columns), NaN where missing.

        **Returns:** (rows, columns) float64; what was there stays as it is.
        """
        from vestige.tasks.tied.row_answers import completions

        found, values, layout = self._rows(X)
        gone = np.isnan(values).any(axis=1)
        whole = values.copy()
        if gone.any():
            whole[gone] = completions(self._net, values[gone], draws=1, samples=self.samples)[0]
        return self._filled(found, whole, layout)

    def sample(self, X: Any, count: int = 10) -> np.ndarray:
        """The rows with samples of what is missing, given what is there.

        **Arguments:**

        - `X`: (rows, columns), NaN where missing.
        - `count`: how many samples of each row.

        **Returns:** (count, rows, columns) float64.
        """
        from vestige.tasks.tied.row_answers import completions

        found, values, layout = self._rows(X)
        draws = completions(self._net, values, draws=count, samples=self.samples, seed=self._seed())[1]
        return np.stack([self._filled(found, drawn, layout) for drawn in draws])

    def _filled(self, found: np.ndarray, values: np.ndarray, layout: RowLayout) -> np.ndarray:
        columns, whole = layout.decoded(values), found.copy()
        for place in range(found.shape[1]):
            gone = np.isnan(found[:, place])
            if gone.any():
                constant = self.constants_.get(place)
                name = NAME.format(place=place)
                whole[gone, place] = columns[name][gone].astype(np.float64) if constant is None else constant
        return whole

    def _kept(self, layout: RowLayout) -> set[str]:
        return {column.name for column in layout.columns}
