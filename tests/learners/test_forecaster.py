"""Forecasts as an estimator of scikit-learn."""

import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import vestige
from vestige.learners import Forecaster, RefusedInput

ORDERED = "rows are steps in time: what is predicted of one depends on those before it"
NOT_APPLICABLE = {
    "check_methods_subset_invariance": ORDERED,
    "check_methods_sample_order_invariance": ORDERED,
}
"""Checks of scikit-learn that do not apply, and why."""


def walked(steps=80, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.zeros((steps, 2))
    for t in range(1, steps):
        rows[t] = -0.7 * rows[t - 1] + rng.normal(size=2)
    return np.stack([1e5 + 100 * rows[:, 0], np.full(steps, 3.0), rows[:, 1]], axis=1)


ROWS = walked()


@functools.cache
def trained():
    return Forecaster(steps=3).fit(ROWS)


def test_next_rows_in_units_of_the_array():
    found = trained().predict(ROWS)
    assert found.shape == ROWS.shape and found.dtype == np.float64
    np.testing.assert_array_equal(found[:, 1], 3.0)
    assert 0 < trained().score(ROWS) < 1
    np.testing.assert_allclose(trained().predict(ROWS[:30]), found[:30], rtol=1e-12)
    missing = ROWS.copy()
    missing[10, 0] = np.nan
    after = trained().predict(missing)
    np.testing.assert_array_equal(after[:11], found[:11])
    assert np.isfinite(after).all() and after[11, 0] != found[11, 0]


def test_score_is_one_minus_the_ratio_of_squared_errors():
    """Against its definition."""
    kept = ROWS[:, [0, 2]]
    found, unit = trained().predict(ROWS)[1:, [0, 2]], kept[:64].std(axis=0)
    error, last = (np.square((said - kept[1:]) / unit).sum() for said in (found, kept[:-1]))
    np.testing.assert_allclose(trained().score(ROWS), 1 - error / last, rtol=1e-6)
    with pytest.raises(ValueError, match="at least two rows with values"):
        trained().score(ROWS[:1])


def test_forecasts_go_on_from_the_last_row():
    ahead = trained().forecast(ROWS, 4, quantiles=(0.1, 0.9), paths=50)
    assert ahead.mean.shape == (4, 3) and ahead.quantiles.shape == (2, 4, 3) and ahead.paths.shape == (50, 4, 3)
    np.testing.assert_array_equal(ahead.mean[:, 1], 3.0)
    np.testing.assert_allclose(ahead.mean, ahead.paths.mean(axis=0))
    assert np.all(ahead.quantiles[0][:, [0, 2]] < ahead.quantiles[1][:, [0, 2]])
    np.testing.assert_array_equal(trained().forecast(ROWS, 4, quantiles=(0.1, 0.9), paths=50).paths, ahead.paths)
    with pytest.raises(ValueError, match="horizon must be a whole number, at least 1, got 0"):
        trained().forecast(ROWS, 0)
    with pytest.raises(ValueError, match="quantiles must rise"):
        trained().forecast(ROWS, 2, quantiles=(0.9, 0.1))


def test_recordings_begin_anew():
    groups = np.repeat(["a", "b"], 40)
    found = trained().predict(ROWS, groups=groups)
    np.testing.assert_allclose(found[40:], trained().predict(ROWS[40:]), rtol=1e-12)
    assert len(trained().forecast(ROWS, 2, paths=10, groups=groups)) == 2
    with pytest.raises(RefusedInput, match=r"groups must be \(80,\), one for each row, got \(3,\)"):
        trained().predict(ROWS, groups=[1, 2, 3])
    with pytest.raises(RefusedInput, match="those of group a do not"):
        trained().predict(ROWS, groups=np.tile(["a", "b"], 40))


def test_pickled_it_predicts_the_same():
    again = pickle.loads(pickle.dumps(trained()))
    np.testing.assert_array_equal(again.predict(ROWS), trained().predict(ROWS))
    np.testing.assert_array_equal(again.forecast(ROWS, 3, paths=5).paths, trained().forecast(ROWS, 3, paths=5).paths)
    assert again.why_ == trained().why_
    with pytest.raises(NotFittedError):
        clone(again).predict(ROWS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "words"}, "kind must be one of numbers, counts, bits, got words"),
        ({"held_out": 1.0}, r"held_out must be in \(0, 1\), got 1.0"),
        ({"steps": 0}, "steps must be a whole number, at least 1, or None, got 0"),
        ({"season": 1}, "season must be a whole number, at least 2, or None, got 1"),
        ({"kind": "bits"}, "bits|0 or 1"),
        ({"held_out": 0.001}, "leaves none of"),
    ],
)
def test_options_are_named(options, said):
    with pytest.raises(RefusedInput, match=said):
        Forecaster(**options).fit(ROWS)


def test_rows_that_cannot_be_are_named():
    for rows, said in (
        (ROWS[:9], "minimum of 10"),
        (np.ones((20, 2)), "no value ever changes"),
        (ROWS[:, :0], "0 feat"),
    ):
        with pytest.raises(ValueError, match=said):
            Forecaster().fit(rows)
    with pytest.raises(ValueError, match="3 features"):
        trained().predict(ROWS[:, :2])
    with pytest.raises(ValueError, match="infinity"):
        trained().predict(np.where(ROWS > 3, np.inf, ROWS))


@pytest.mark.slow
def test_it_is_what_vestige_fit_makes(tmp_path):
    """The same predictions as a run on the same rows as a file."""
    np.save(tmp_path / "rows.npy", ROWS)
    vestige.fit_table(tmp_path / "rows.npy", tmp_path / "run", kind="recordings", steps=3)
    steps = list(vestige.load(tmp_path / "run").predict(ROWS))
    np.testing.assert_allclose(
        np.concatenate([each.mean for each in steps]), trained().predict(ROWS)[:, [0, 2]], rtol=1e-9
    )


@pytest.mark.slow
def test_pipelines_and_searches():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Forecaster(steps=2)),
        {"forecaster__held_out": [0.2, 0.4]},
        cv=TimeSeriesSplit(2),
        error_score="raise",
    ).fit(ROWS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(ROWS).shape == ROWS.shape


@pytest.mark.slow
@pytest.mark.parametrize("place", range(45))
def test_scikit_learns_checks(place):
    checks = list(estimator_checks_generator(Forecaster(steps=1), legacy=True, expected_failed_checks=NOT_APPLICABLE))
    if place >= len(checks):
        pytest.skip("scikit-learn has fewer checks")
    assert len(checks) <= 45
    estimator, check = checks[place]
    if check.func.__name__ in NOT_APPLICABLE:
        with pytest.raises(AssertionError):
            check(estimator)
        return
    check(estimator)
