"""A trained classifier as a pair: the same predictions, or a refusal."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.tied import Full, OneHot, PlainForward, from_arrays, from_mlp


def test_the_bridge(key):
    """The plain forward pass of the stochastic model is the network."""
    mlp = eqx.nn.MLP(4, 3, 5, 2, activation=jax.nn.sigmoid, key=key)
    pair, x = from_mlp(mlp), jax.random.uniform(key, (4,))
    np.testing.assert_allclose(PlainForward()(pair.resolve(), x, key=key)[-1], jax.nn.softmax(mlp(x)), rtol=1e-9)
    np.testing.assert_allclose(PlainForward().log_top(pair.resolve(), x, key=key), mlp(x), rtol=1e-9)
    again = from_arrays(
        [layer.weight.T for layer in mlp.layers], [layer.bias for layer in mlp.layers], activation="logistic"
    )
    assert eqx.tree_equal(pair, again)
    assert isinstance(pair.ties[0], Full)
    bits = from_arrays(
        [np.eye(2), np.eye(2)], [np.zeros(2), np.ones(2)], activation="logistic", classes=False
    ).resolve()
    hidden = jax.nn.sigmoid(jnp.array([0.0, 1.0]))
    found = PlainForward()(bits, jnp.array([0.0, 1.0]), key=key)[-1]
    np.testing.assert_allclose(found, jax.nn.sigmoid(hidden + 1))


def test_a_tanh_mlp_is_exact(key):
    mlp = eqx.nn.MLP(4, 3, 5, 3, activation=jnp.tanh, key=key)
    x = jax.random.normal(key, (4,))
    found = PlainForward()(from_mlp(mlp).resolve(), x, key=key)
    np.testing.assert_allclose(found[-1], jax.nn.softmax(mlp(x)), rtol=1e-9)
    np.testing.assert_allclose(2 * found[1] - 1, jnp.tanh(mlp.layers[0](x)), rtol=1e-7)


@pytest.fixture(scope="module")
def trained():
    """Small classifiers by scikit-learn: of three classes, and of two with one output."""
    from sklearn.neural_network import MLPClassifier

    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 4))
    three = np.digitize(x[:, 0] + 0.5 * x[:, 1] ** 2, [-0.3, 0.8])
    make = lambda activation, y: MLPClassifier((8, 6), activation=activation, max_iter=30, random_state=0).fit(x, y)
    return x, {(a, n): make(a, three if n == 3 else three > 0) for a in ("logistic", "tanh", "relu") for n in (2, 3)}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize("classes", [2, 3])
def test_predictions_are_those_of_scikit_learn(activation, classes, trained, key):
    x, nets = trained
    net = nets[activation, classes]
    check = (x, net.predict_proba(x))
    pair = from_arrays(net.coefs_, net.intercepts_, activation=activation, check=check)
    assert pair.units[-1] == OneHot(classes)
    ours = jax.vmap(lambda row: PlainForward()(pair.resolve(), row, key=key)[-1])(jnp.asarray(x))
    np.testing.assert_allclose(ours, net.predict_proba(x), atol=1e-6)
    if classes == 2:  # a column, and a row, of the second class alone
        for probabilities in (net.predict_proba(x)[:, 1], net.predict_proba(x)[:, 1:]):
            from_arrays(net.coefs_, net.intercepts_, activation=activation, check=(x, probabilities))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classes", [2, 3])
def test_the_check_notices_another_activation(classes, trained):
    x, nets = trained
    net = nets["relu", classes]
    for activation in ("logistic", "tanh"):
        with pytest.raises(ValueError, match="must be the original's, they differ by .*is the activation another"):
            from_arrays(net.coefs_, net.intercepts_, activation=activation, check=(x, net.predict_proba(x)))


@pytest.mark.parametrize("activation", ["relu", "identity", "sigmoid "])
def test_other_activations_are_refused_by_name(activation):
    with pytest.raises(ValueError, match=f"activation must be 'logistic' or 'tanh', .* got '{activation}'"):
        from_arrays([np.eye(2)] * 2, [np.zeros(2)] * 2, activation=activation)


def test_a_check_of_another_shape_is_refused():
    plain = {"weights": [np.eye(2)], "biases": [np.zeros(2)], "activation": "logistic"}
    with pytest.raises(ValueError, match=r"inputs must be \(rows, 2\), got \(5, 3\)"):
        from_arrays(**plain, check=(np.zeros((5, 3)), np.zeros((5, 2))))
    with pytest.raises(ValueError, match=r"probabilities must be \(5, 2\), got \(4, 2\)"):
        from_arrays(**plain, check=(np.zeros((5, 2)), np.zeros((4, 2))))
    with pytest.raises(ValueError, match="they differ by nan in row 1"):
        from_arrays(**plain, check=(np.zeros((2, 2)), np.array([[0.5, 0.5], [np.nan, 0.5]])))


def test_what_the_bridge_refuses(key):
    with pytest.raises(
        ValueError, match=r"must be the logistic sigmoid.*or jnp.tanh.*Train with activation=jax.nn.sigmoid"
    ):
        from_mlp(eqx.nn.MLP(4, 3, 5, 2, key=key))
    with pytest.raises(ValueError, match="without a final activation"):
        from_mlp(eqx.nn.MLP(4, 3, 5, 2, jax.nn.sigmoid, jax.nn.softmax, key=key))
    with pytest.raises(ValueError, match=r"weights\[1\] takes 4 units, but weights\[0\] gives 3; sizes must chain"):
        from_arrays([np.zeros((2, 3)), np.zeros((4, 2))], [np.zeros(3), np.zeros(2)], activation="tanh")
    with pytest.raises(ValueError, match=r"is the weight transposed\?"):
        from_arrays([np.zeros((3, 2))], [np.zeros(3)], activation="tanh")
    with pytest.raises(ValueError, match="as many weights as biases"):
        from_arrays([], [], activation="tanh")
