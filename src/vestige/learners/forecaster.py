"""Forecasts of recordings, as an estimator of scikit-learn."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vestige.data import FrameSet, Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.learners.base import AbstractArrayEstimator, RefusedInput, refusals_of
from vestige.tasks.filtering.loading import unread
from vestige.tasks.filtering.specs import RecordingsSpec
from vestige.tasks.filtering.step_prediction import RecordingsPredictor
from vestige.tasks.stepwise import PredictedSteps

LEAST_ROWS = 10
DOCUMENT = "document"
KINDS = ("numbers", "counts", "bits")
HALF = 0.5
"""Of intervals that nobody looks at."""
QUANTILES = (0.05, 0.5, 0.95)
PATHS = 200


class Forecasted(NamedTuple):
    """The steps after the last row of a recording, float64, in its units.

    - `mean`: (horizon, columns), of the sampled paths.
    - `quantiles`: (quantiles, horizon, columns), the model's own.
    - `paths`: (paths, horizon, columns).
    """

    mean: np.ndarray
    quantiles: np.ndarray
    paths: np.ndarray


class Forecaster(AbstractArrayEstimator):
    """Predicts the next row of recordings, as `vestige fit` and `vestige forecast` do; rows are steps in time.

    A ridge autoregression whose order and penalty are chosen on later folds of the training rows, or the last value
    where nothing is better; beside it a net, where there are a thousand rows and it helps; and a law around them.

    A value that is NaN is missing. A column that never changes in training is left out of the model, and predicted to
    stay. Nothing but the rows before a row is used for its prediction.

    **Arguments:**

    - `kind`: of the values: numbers, counts or bits.
    - `held_out`: the last share of each recording, on which the model is not trained: errors there calibrate it.
    - `steps`: updates at most; None: as many as the rows suggest.
    - `season`: in steps; None: it is looked for.
    - `random_state`: as scikit-learn has it.

    Fitted attributes: `why_`, sentences that say what was chosen; `experiment_`, all options; `kept_`, the columns that
    are in the model, and `still_`, where the others stay; `model_`; `scaling_`, `calibration_`; `n_features_in_`, and
    `feature_names_in_` of a frame.

    **Raises:** nothing here; `fit` refuses options that cannot be, as scikit-learn has it.
    """

    n_features_in_: int

    def __init__(
        self,
        *,
        kind: str = "numbers",
        held_out: float = 0.2,
        steps: int | None = None,
        season: int | None = None,
        random_state: Any = 0,
    ):
        self.kind, self.held_out, self.steps, self.season = kind, held_out, steps, season
        self.random_state = random_state

    @property
    def _gaps(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> "Forecaster":
        """Choose a model and train it.

        **Arguments:**

        - `X`: (rows, columns), at least ten rows: an array or a frame.
        - `y`: is not looked at.
        - `groups`: (rows,), to which recording each row belongs, one recording after the other; None: all to one.

        **Returns:** the estimator itself.

        **Raises:** `ValueError` for rows and options that cannot be.
        """
        from vestige.runs.fits.contract import FitRequest
        from vestige.runs.fits.recordings_plan import plan_for, task_for
        from vestige.training import fit

        values = self._checked(X, fitting=True, least=LEAST_ROWS)
        kind, share = self._one_of("kind", KINDS), self._share("held_out")
        steps, season = self._whole("steps", 1, none=True), self._whole("season", 2, none=True)
        seed = self._seed()
        lengths = self._lengths(groups, len(values))
        with refusals_of(self):
            recorded = Recorded(FrameSet(values, lengths, self._names()), np.zeros((len(values), 0)))
            spec = RecordingsSpec(values=kind, held_out=share, leave_out=True)  # pyright: ignore[reportArgumentType]
            request = FitRequest(Path("X"), season=season, steps=steps, seed=seed)
            plan = plan_for(recorded, spec, request, note=lambda text: None)
            experiment = plan.experiment
            assert isinstance(experiment.task, RecordingsSpec)
            task = task_for(recorded, experiment.task, "X", columns=self._columns())
            built = experiment.build_on(task, seed=seed)
            result = fit(
                built.model,
                task,
                rule=built.rule,
                optimiser=built.optimiser,
                steps=experiment.steps,
                key=built.key,
                batch_size=experiment.batch_size,
            )
            self.calibration_ = task.calibration(result.model)
        self.why_, self.experiment_, self.scaling_ = plan.why, experiment, task.scaling
        self.kept_, self.in_part_, self.model_ = np.array(task.kept), task.in_part, result.model
        self.still_ = np.array([column[~np.isnan(column)][:1].sum() for column in values.T])
        return self

    def forecast(
        self,
        X: Any,
        horizon: int,
        *,
        quantiles: tuple[float, ...] = QUANTILES,
        paths: int = PATHS,
        seed: int = 0,
        groups: Any = None,
    ) -> "Forecasted | list[Forecasted]":
        """The rows after the last one of each recording, from sampled paths.

        **Arguments:**

        - `X`, `groups`: as for `predict`.
        - `horizon`: how many rows.
        - `quantiles`: levels in (0, 1), rising.
        - `paths`: samples, at least 2.
        - `seed`: of the samples.

        **Returns:** mean, quantiles and paths; with `groups` a list of them, one for each recording in order.

        **Raises:** `ValueError` as `predict`, and for options that cannot be; `RunError` where paths diverge.
        """
        from sklearn.utils.validation import check_is_fitted

        from vestige.runs.forecasting import ForecastOptions, Forecasts

        check_is_fitted(self)
        values = self._checked(X, fitting=False)
        wanted = ForecastOptions(horizon, tuple(quantiles), paths, seed)
        with refusals_of(self):
            found = [
                Forecasted(*map(self._whole_rows, (each.mean, each.quantiles, each.paths)))
                for each in Forecasts(self._predictor(), self._source(values, groups), wanted)
            ]
        return found[0] if groups is None else found

    def predict(self, X: Any, *, groups: Any = None) -> np.ndarray:
        """Every row, predicted from those before it.

        **Arguments:**

        - `X`: (rows, columns), with the columns of the fit. The first row of a recording is predicted without any
          before it.
        - `groups`: (rows,), to which recording each row belongs; None: all to one.

        **Returns:** (rows, columns) float64, expected values.

        **Raises:** `ValueError` for other columns, and `NotFittedError`.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        values = self._checked(X, fitting=False)
        with refusals_of(self):
            steps = list(self._steps(values, groups))
        return self._whole_rows(np.concatenate([each.mean for each in steps]))

    def score(self, X: Any, y: Any = None, *, groups: Any = None) -> float:
        """How much better the next row is predicted than by the last value: 1 - squared error / that of the last value.

        Errors are in units of the variances of the training and summed over columns; of each recording the first row
        with a value counts for nothing.

        **Arguments:**

        - `X`, `groups`: as for `predict`.
        - `y`: is not looked at.

        **Returns:** at most 1, and 0 where they are as good as each other; minus infinity where the last value is
        always right and the model is not.

        **Raises:** `ValueError` as `predict`, and where no row comes after another.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        values = self._checked(X, fitting=False)
        error, last, count = 0.0, 0.0, 0
        with refusals_of(self):
            for steps in self._steps(values, groups):
                there = ~np.isnan(steps.seen) & ~np.isnan(steps.last) & steps.begun[:, None]
                of = lambda said: np.square((said - steps.seen) / self.scaling_.scale)[there].sum()  # noqa: B023
                error, last, count = error + of(steps.mean), last + of(steps.last), count + int(there.sum())
        if not count:
            raise RefusedInput("Forecaster: score takes at least two rows with values of a recording")
        if last == 0:
            return 0.0 if error == 0 else float("-inf")
        return float(1 - error / last)

    def _names(self) -> tuple[str, ...]:
        given = getattr(self, "feature_names_in_", None)
        return tuple(given) if given is not None else tuple(f"column {j}" for j in range(self.n_features_in_))

    def _columns(self) -> RecordedColumns:
        document = DOCUMENT
        while document in self._names():
            document += "_"
        return RecordedColumns(self._names(), (), document)

    def _lengths(self, groups: Any, rows: int) -> np.ndarray:
        """Of the recordings. **Raises:** `RefusedInput` where groups are not one after the other."""
        if groups is None:
            return np.array([rows])
        labels = np.asarray(groups)
        if labels.shape != (rows,):
            raise RefusedInput(f"Forecaster: groups must be ({rows},), one for each row, got {labels.shape}")
        begins = np.concatenate([[0], 1 + np.flatnonzero(labels[1:] != labels[:-1])])
        if len(np.unique(labels)) != len(begins):
            again = next(label for at, label in enumerate(labels[begins]) if label in labels[: begins[at]])
            raise RefusedInput(
                f"Forecaster: the rows of a recording must come one after the other, and those of group {again} do "
                "not; sort X and groups by group"
            )
        return np.diff(np.append(begins, rows))

    def _source(self, values: np.ndarray, groups: Any) -> dict[str, np.ndarray]:
        """As a table, with a column that distinguishes recordings."""
        lengths, columns = self._lengths(groups, len(values)), self._columns()
        assert columns.document is not None
        number = np.repeat(np.arange(len(lengths)), lengths)
        return {**dict(zip(columns.inputs, values.T, strict=True)), columns.document: number}

    def _steps(self, values: np.ndarray, groups: Any) -> Iterator[PredictedSteps]:
        predictor = self._predictor()
        return predictor.predicted(predictor.opened(self._source(values, groups)), interval=HALF)

    def _predictor(self) -> RecordingsPredictor:
        return RecordingsPredictor(self.model_, self.scaling_, self._columns(), self.calibration_)

    def _whole_rows(self, kept: np.ndarray) -> np.ndarray:
        """With the columns that never changed."""
        found = np.broadcast_to(self.still_, (*kept.shape[:-1], self.n_features_in_)).copy()
        found[..., self.kept_] = kept
        return found

    def _template(self) -> Any:
        spec = self.experiment_.task
        assert isinstance(spec, RecordingsSpec)
        task = unread(self.scaling_, self._columns(), spec.length)
        task = dataclasses.replace(task, in_part=self.in_part_)
        return self.experiment_.build_on(task, seed=0, outline=True).model
