"""What the estimators share, on one that scales columns by weights of a net."""

import pickle
from types import SimpleNamespace

import equinox as eqx
import jax
import numpy as np
import pytest
from sklearn.base import clone

from vestige.errors import UsageError
from vestige.learners import AbstractArrayEstimator, RefusedInput
from vestige.learners.base import refusals_of


class Scaled(AbstractArrayEstimator):
    def __init__(self, width=4, share=0.2, way="up", random_state=0):
        self.width, self.share, self.way, self.random_state = width, share, way, random_state

    def fit(self, X, y=None):
        self._checked(X, fitting=True, least=2)
        self._share("share")
        self._one_of("way", ("up", "down"))
        self.width_ = self._whole("width", 1)
        self.model_ = self._template(self._seed())
        return self

    def predict(self, X):
        return np.asarray(jax.vmap(self.model_)(self._checked(X, fitting=False).astype(np.float32)))

    def _template(self, seed=0):
        return eqx.nn.MLP(self.n_features_in_, 2, self.width_, 1, key=jax.random.key(seed))


class Frame(SimpleNamespace):
    """Of columns, as pandas and polars have them."""

    def __getitem__(self, name):
        return self.values[name]

    def __array__(self, dtype=None, copy=None):
        return np.stack([self.values[name] for name in self.columns], axis=1).astype(dtype)


ROWS = np.random.default_rng(0).normal(size=(6, 3))


def test_what_is_pickled_predicts_the_same_and_holds_no_code():
    trained = Scaled(random_state=3).fit(ROWS)
    stored = pickle.dumps(trained)
    again = pickle.loads(stored)
    np.testing.assert_array_equal(again.predict(ROWS), trained.predict(ROWS))
    assert b"equinox" not in stored
    assert not hasattr(clone(again), "model_") and pickle.loads(pickle.dumps(Scaled())).get_params()["width"] == 4


def test_seeds_are_those_of_scikit_learn():
    same = [Scaled(random_state=np.random.RandomState(5)).fit(ROWS).predict(ROWS) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.allclose(same[0], Scaled(random_state=6).fit(ROWS).predict(ROWS))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"width": 0}, "Scaled: width must be a whole number, at least 1, got 0"),
        ({"width": 1.5}, "width must be a whole number, at least 1, got 1.5"),
        ({"width": True}, "width must be a whole number"),
        ({"width": None}, "width must be a whole number"),
        ({"share": 1.0}, r"share must be in \(0, 1\), got 1.0"),
        ({"share": float("nan")}, "share must be in"),
        ({"way": "side"}, "way must be one of up, down, got side"),
        ({"random_state": -1}, "random_state must be in 0..4,294,967,295, got -1"),
        ({"random_state": "x"}, "Scaled: 'x' cannot be used to seed"),
    ],
)
def test_options_are_named(options, said):
    with pytest.raises(RefusedInput, match=said):
        Scaled(**options).fit(ROWS)


def test_columns_are_compared_with_those_of_the_fit():
    trained = Scaled().fit(ROWS)
    with pytest.raises(ValueError, match="X has 2 features, but Scaled is expecting 3"):
        trained.predict(ROWS[:, :2])
    with pytest.raises(ValueError, match="contains NaN"):
        trained.predict(np.where(ROWS > 0, np.nan, ROWS))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        Scaled().fit(ROWS[:1])


def test_a_frames_value_is_named_by_column_and_row():
    columns = {"a": np.array([1.0, 2.0]), "b": np.array(["3", "four"], object)}
    with pytest.raises(RefusedInput, match="column 'b', row 2: numbers are expected, got four"):
        Scaled().fit(Frame(columns=["a", "b"], values=columns))
    columns["b"] = np.array([np.inf, 0.0])
    with pytest.raises(RefusedInput, match="column 'b', row 1: finite numbers are expected, got inf"):
        Scaled().fit(Frame(columns=["a", "b"], values=columns))


def test_a_refusal_of_another_room_is_one_of_scikit_learns_kind():
    with pytest.raises(ValueError, match="Scaled: no value ever changes") as caught, refusals_of(Scaled()):
        raise UsageError("no value ever changes")
    assert isinstance(caught.value, RefusedInput) and isinstance(caught.value, UsageError)
