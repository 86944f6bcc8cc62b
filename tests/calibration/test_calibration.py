"""Ways to get probabilities out of a classifier, beside oracles."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.special import softmax
from sklearn.neural_network import MLPClassifier

from vestige.calibration import calibrate
from vestige.calibration.comparing import _ece
from vestige.calibration.post_hoc import isotonic, temperature
from vestige.errors import UsageError
from vestige.models.tied import PlainForward, reliability
from vestige.models.tied.foreign import pair_of


def rows(count, classes, seed=0):
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(count, 3))
    logits = inputs @ draw.normal(size=(3, classes)) * 2
    return inputs, np.array([draw.choice(classes, p=p) for p in softmax(logits, axis=1)])


def plain(model, inputs, **given):
    net = pair_of(model, **given).resolve()
    each = jax.vmap(lambda row: PlainForward()(net, row, key=jax.random.key(0))[-1])
    return np.asarray(each(jnp.asarray(inputs, net.prior.dtype)))


def fitted(activation, classes, **given):
    inputs, labels = rows(200, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        return MLPClassifier((5, 4), activation=activation, max_iter=30, random_state=0, **given).fit(inputs, labels)


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers_of_scikit_learn_keep_their_probabilities(activation, classes):
    model, (inputs, _) = fitted(activation, classes), rows(50, classes, seed=1)
    np.testing.assert_allclose(plain(model, inputs), model.predict_proba(inputs), atol=1e-5)


def test_state_dictionaries_are_read_in_the_order_of_their_numbers(tmp_path):
    model, (inputs, _) = fitted("tanh", 3), rows(50, 3, seed=1)
    state = {}
    for number, (weight, bias) in zip((0, 2, 10), zip(model.coefs_, model.intercepts_, strict=True), strict=True):
        state[f"net.{number}.weight"] = np.array(weight.T, np.float32, order="C")
        state[f"net.{number}.bias"] = bias.astype(np.float32)
    save_file(state, tmp_path / "model.safetensors")
    np.savez(tmp_path / "model.npz", **state)
    for source in (state, tmp_path / "model.safetensors", tmp_path / "model.npz"):
        np.testing.assert_allclose(plain(source, inputs, activation="tanh"), model.predict_proba(inputs), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "given", "said"),
    [
        (lambda: fitted("relu", 3), {}, "'relu': its hidden units are no means of bits"),
        (lambda: eqx.nn.MLP(3, 2, 4, 1, key=jax.random.key(0)), {}, "Train with activation=jax.nn.sigmoid"),
        (lambda: {"a.weight": np.ones((2, 3))}, {}, "lacks a.bias"),
        (lambda: {"a.weight": np.ones((2, 3)), "a.bias": np.ones(2), "running_mean": np.ones(2)}, {}, "running_mean"),
        (lambda: {"a": np.ones(2)}, {}, "holds no weights"),
        (
            lambda: {
                n: np.ones(s) for n, s in (("0.weight", (4, 3)), ("0.bias", 4), ("1.weight", (2, 4)), ("1.bias", 2))
            },
            {},
            "say what the hidden units compute",
        ),
        (
            lambda: {
                n: np.ones(s) for n, s in (("0.weight", (4, 3)), ("0.bias", 4), ("1.weight", (2, 5)), ("1.bias", 2))
            },
            {"activation": "tanh"},
            "sizes must chain",
        ),
        (lambda: "model.pt", {}, "pickles"),
        (lambda: 3, {}, "got int"),
    ],
    ids=["relu", "relu of equinox", "no bias", "more arrays", "no weights", "unsaid", "no chain", "pickle", "a number"],
)
def test_what_is_no_such_classifier_is_refused_with_the_reason(make, given, said):
    with pytest.raises(UsageError, match=said):
        pair_of(make(), **given)


def test_the_temperature_is_found_again():
    """Labels drawn from softmax(logits / 3)."""
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(20_000, 4)) * 6
    labels = (draw.random((len(logits), 1)) > softmax(logits / 3, axis=1).cumsum(axis=1)).sum(axis=1)
    assert temperature(logits, labels) == pytest.approx(3.0, rel=0.05)
    assert temperature(logits * 7, labels) == pytest.approx(7 * temperature(logits, labels), rel=1e-3)


def test_isotonic_curves_are_monotone_and_right_where_there_is_enough():
    draw = np.random.default_rng(0)
    truth = draw.random(20_000)
    labels = (draw.random(len(truth)) < truth).astype(int)
    said = np.stack([1 - truth**3, truth**3], axis=1)
    found = isotonic(said, labels, said)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert np.all(np.diff(found[np.argsort(truth), 1]) >= 0)
    assert np.abs(found[:, 1] - truth).mean() < 0.02
    three = isotonic(np.eye(3), np.array([0, 1, 1]), np.array([[0.0, 0.0, 1.0]]))  # class 2 never occurs
    np.testing.assert_allclose(three.sum(), 1)


def test_the_calibration_error_is_that_of_reliability():
    draw = np.random.default_rng(0)
    probabilities = softmax(draw.normal(size=(300, 3)) * 3, axis=1)
    labels = draw.integers(0, 3, 300)
    wanted = reliability(jnp.asarray(probabilities, jnp.float32), jnp.asarray(labels, jnp.int32)).ece
    assert _ece(probabilities, labels, np.ones(300, int)) == pytest.approx(float(wanted), abs=1e-5)


@pytest.fixture(scope="module")
def network():
    """Sharper by a factor than what made the labels: over-confident."""
    draw = np.random.default_rng(0)
    state = {"0.weight": draw.normal(size=(30, 3)), "0.bias": np.zeros(30)}
    return {**state, "1.weight": draw.normal(size=(2, 30)) * 2, "1.bias": np.zeros(2)}


def drawn_from(network, scale, count=2000):
    """Rows whose labels the network with logits times `scale` has made."""
    inputs = np.random.default_rng(1).normal(size=(count, 3))
    said = softmax(np.log(plain(network, inputs, activation="logistic")) * scale, axis=1)
    return inputs, (np.random.default_rng(2).random(count) < said[:, 1]).astype(int)


def test_over_and_under_confidence_are_told_and_temperature_mends_both(network):
    inputs, labels = drawn_from(network, 0.3)
    over = calibrate(network, inputs, labels, activation="logistic", passes=20)
    assert over.over_confidence > 0.05 and "over-confident" in over.sentence()
    assert over.ways["ap2"].nll.value < over.ways["plain"].nll.value
    assert over.temperatures["temperature"] == pytest.approx(1 / 0.3, rel=0.25)
    assert over.ways["temperature"].ece.value < over.ways["plain"].ece.value
    for way in over.ways.values():
        assert way.nll.low <= way.nll.value <= way.nll.high
    inputs, labels = drawn_from(network, 4.0)
    under = calibrate(network, inputs, labels, activation="logistic", passes=20)
    assert "under-confident" in under.sentence() and "worse" in under.sentence()
    assert under.ways["ap2"].nll.value > under.ways["plain"].nll.value
    assert under.temperatures["temperature"] == pytest.approx(1 / 4, rel=0.25)


@pytest.mark.slow
def test_a_network_that_is_right_has_the_error_of_a_perfect_one(network):
    inputs, labels = drawn_from(network, 1.0)
    found = calibrate(network, inputs, labels, activation="logistic", passes=20)
    way = found.ways["plain"]
    assert way.ece.value == pytest.approx(way.ece_if_perfect, abs=0.02)
    assert "neither" in found.sentence()
    again = calibrate(network, inputs, labels, activation="logistic", passes=20)
    assert again.ways == found.ways  # the same seed
    assert set(found.test_rows).isdisjoint(set(range(2000)) - set(found.test_rows))
    assert len(found.test_rows) + found.fitted_on == 2000


def test_weights_that_are_no_numbers_are_refused(network):
    broken = {**network, "1.bias": np.array([0.0, np.nan])}
    with pytest.raises(UsageError, match="outputs of the network are not finite"):
        calibrate(broken, np.zeros((100, 3)), np.zeros(100, int), activation="logistic", passes=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": np.zeros((100, 2))}, r"inputs must be \(rows, 3\)"),
        ({"inputs": np.full((100, 3), np.nan)}, "row 0"),
        ({"labels": np.full(100, 2)}, "labels must be from 0 to 1, got 2 in row 0"),
        ({"labels": np.zeros(100)}, "integers"),
        ({"labels": np.zeros(99, int)}, r"\(100,\)"),
        ({"validation": 0.0}, "at least 20 rows in each part"),
        ({"validation": 0.9}, "at least 20 rows in each part"),
    ],
)
def test_bad_data_are_refused(network, change, said):
    given = {"inputs": np.zeros((100, 3)), "labels": np.zeros(100, int)} | change
    inputs, labels = given.pop("inputs"), given.pop("labels")
    with pytest.raises(UsageError, match=said):
        calibrate(network, inputs, labels, activation="logistic", **given)
