"""Classifier, Embedder and Completer: estimators for scikit-learn on rows with gaps."""

import pickle

import jax
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from vestige.learners import Classifier, Completer, Embedder, RefusedInput

NOISE = np.random.default_rng(0)
LABELS = np.arange(80) % 2
ROWS = np.stack([LABELS * 3 + NOISE.normal(size=80), 1e6 + NOISE.normal(size=80), NOISE.poisson(4, 80)], axis=1)
ROWS[:, 1] += 3 * (ROWS[:, 0] - 1.5)
TINY = {"layers": "2", "updates": 2, "validation": None, "batch_size": 2, "random_state": 0}
SMALL = {"layers": "8", "updates": 400, "random_state": 0, "rate": 1e-2}


@pytest.fixture
def fast_noise():
    """Random numbers that compile five times faster: what scikit-learn checks does not depend on them."""
    with jax.default_prng_impl("unsafe_rbg"):
        yield


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 3}, "Classifier: layers must be sizes from the data upward"),
        ({"layers": "4c3"}, "these data are none"),
        ({"updates": 0}, "updates must be a whole number, at least 1, or None, got 0"),
        ({"validation": 1.0}, r"validation must be in \(0, 1\), got 1.0"),
        ({"rate": -1.0}, "rate must be positive and finite, got -1.0"),
        ({"label_weight": np.nan}, "label_weight must be positive and finite"),
        ({"kinds": "words"}, "kinds must be one of number, count, bit, class, or one of them for each of 3 columns"),
        ({"kinds": ["number"]}, "for each of 3 columns"),
        ({"grey": 2.0}, r"grey levels must be in 0\.\.2"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(RefusedInput, match=message):
        Classifier(**{**TINY, **options}).fit(ROWS, LABELS)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (ROWS, np.zeros(80), "y has 1 class"),
        (ROWS, LABELS[:5], "inconsistent numbers of samples"),
        (np.where(np.eye(80, 3), np.inf, ROWS), LABELS, "infinity"),
        (np.ones((80, 3)), LABELS, "no column changes in the 80 rows"),
        (ROWS[:1], LABELS[:1], "minimum of 2 is required"),
    ],
)
def test_arrays_that_cannot_be_learned_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        Classifier(**TINY).fit(X, y)
    with pytest.raises(RefusedInput, match="y is unlabelled everywhere"):
        Classifier(**TINY, unlabelled=-1).fit(ROWS, np.full(80, -1))


def test_a_column_without_a_value_cannot_be_filled_in():
    with pytest.raises(RefusedInput, match="column 1 has no value in any row"):
        Completer(**TINY).fit(np.where(np.arange(3) == 1, np.nan, ROWS))


@pytest.mark.slow
def test_a_classifier_classifies_rows_with_gaps_and_is_pickled():
    gaps = ROWS.copy()
    gaps[::5, 0] = np.nan
    trained = Classifier(**SMALL).fit(gaps, np.array(["no", "yes"])[LABELS])
    shares = trained.predict_proba(gaps)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert trained.score(gaps, np.array(["no", "yes"])[LABELS]) > 0.9
    assert 1 <= trained.n_updates_ <= 400 and trained.validation_error_ < 0.5
    again = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(again.predict_proba(gaps), shares)
    assert np.isfinite(trained.score_samples(gaps)).all()
    far = trained.score_samples(ROWS + np.array([0, 40, 0]))
    assert np.all(far < trained.score_samples(ROWS))


@pytest.mark.slow
def test_a_few_labels_are_enough_where_the_other_rows_are_there():
    known = np.where(np.arange(80) < 8, LABELS, -1)
    trained = Classifier(**SMALL, unlabelled=-1, kinds=["number", "number", "count"]).fit(ROWS, known)
    assert trained.classes_.tolist() == [0, 1] and trained.score(ROWS, LABELS) > 0.85


@pytest.mark.slow
def test_a_completer_fills_in_by_what_is_there():
    gaps, gone = ROWS.copy(), np.arange(80) % 4 == 0
    gaps[gone, 1] = np.nan
    trained = Completer(**{**SMALL, "updates": 1500}).fit(gaps)
    whole = trained.transform(gaps)
    np.testing.assert_array_equal(whole[~np.isnan(gaps)], gaps[~np.isnan(gaps)])
    error, alone = (np.mean((x - ROWS[gone, 1]) ** 2) for x in (whole[gone, 1], np.nanmean(gaps[:, 1])))
    assert error < 0.5 * alone
    draws = trained.sample(gaps, 5)
    assert draws.shape == (5, 80, 3) and draws[:, gone, 1].std(axis=0).min() > 0
    np.testing.assert_array_equal(draws[0][~gone], gaps[~gone])


@pytest.mark.slow
def test_they_work_in_pipelines_and_searches(fast_noise):
    steps = make_pipeline(Completer(**TINY, samples=2), StandardScaler(), Classifier(**TINY))
    found = GridSearchCV(steps, {"classifier__rate": [1e-3, 1e-2]}, cv=2).fit(ROWS, LABELS)
    assert set(found.best_params_) == {"classifier__rate"}
    embedded = Embedder(**TINY).fit(ROWS)
    assert embedded.transform(ROWS).shape == (80, 2)
    assert embedded.get_feature_names_out().tolist() == ["embedder0", "embedder1"]
    assert not hasattr(clone(embedded), "model_")


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("make", [Classifier, Embedder, Completer])
def test_scikit_learn_finds_nothing_wrong(make, fast_noise):
    options = {"samples": 2} if make is Completer else {}
    check_estimator(make(**TINY, **options), on_skip=None)
