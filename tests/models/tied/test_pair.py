"""Ties, connections, the pair and the bridge: what holds whatever the weights are."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.tied import (
    Bits,
    Convolution,
    Dense,
    OneHot,
    OnVector,
    PlainForward,
    Softly,
    begun_tied,
    checked,
    full,
    generated,
    generation_update,
    inpainted,
    recognition_update,
    reconstructed,
    round_trip,
    scaled,
    tied_pair,
    untied,
)

TIES = {"full": full, "untied": untied, "begun tied": begun_tied, "scaled": scaled, "soft": Softly(0.3)}
CONNECTIONS = {
    "dense": Dense((2, 3), (4,)),
    "convolution": Convolution((2, 5, 4), 3, 3, padding=1),
    "strided": Convolution((1, 6, 8), 2, 4, stride=2, padding=1),
    "to vectors": Convolution((1, 4, 4), 5, 4),
    "from vectors": OnVector(Convolution((1, 6, 8), 2, 4, stride=2, padding=1)),
}


OPTIONS = {"strided", "to vectors"}
"""Of a convolution: slow."""


@pytest.fixture(params=[pytest.param(n, marks=pytest.mark.slow) if n in OPTIONS else n for n in CONNECTIONS])
def connection(request):
    return CONNECTIONS[request.param]


@pytest.fixture(params=TIES)
def tie(request):
    return TIES[request.param]


def test_up_and_down_are_each_others_transpose(connection, key):
    """And `correlate` is the derivative of the form; all by automatic differentiation, which is not used there."""
    noise = np.random.default_rng(0)
    kernel, lower, upper = (
        jnp.asarray(noise.normal(size=shape)) for shape in (connection.kernel_shape, connection.lower, connection.upper)
    )

    @jax.jit
    def found(kernel, lower, upper):
        rows = (jnp.stack([lower, 2 * lower]), jnp.stack([upper, upper]))
        return connection.down(kernel, upper), connection.correlate(*rows)

    @jax.jit
    @functools.partial(jax.value_and_grad, argnums=(0, 1))
    def form(kernel, lower, upper):
        return jnp.sum(upper * connection.up(kernel, lower))

    down, correlated = found(kernel, lower, upper)
    value, slopes = form(kernel, lower, upper)
    np.testing.assert_allclose(value, np.sum(np.asarray(lower) * np.asarray(down)), rtol=1e-10)
    np.testing.assert_allclose(down, slopes[1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(correlated, 3 * slopes[0], rtol=1e-9, atol=1e-12)
    assert connection.kernel_shape[connection.upper_axis] in (connection.upper[0], np.prod(connection.upper))


def test_a_tie_pulls_as_automatic_differentiation_does(tie, key):
    noise = np.random.default_rng(0)
    node = tie(*jax.random.normal(key, (2, 3, 4)), 1)
    node = jax.tree.map(lambda leaf: leaf + noise.normal(size=leaf.shape), node)  # also two that begin alike
    down, up = jax.random.normal(jax.random.fold_in(key, 1), (2, 3, 4))

    def gain(node):
        penalty = getattr(node, "strength", 0.0) * jnp.sum((node.generation() - node.recognition()) ** 2)
        return jnp.sum(node.generation() * down) + jnp.sum(node.recognition() * up) - penalty

    expected, found = jax.jit(jax.grad(gain))(node), node.pull(down, up)
    assert jax.tree.structure(expected) == jax.tree.structure(found)
    for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_how_they_begin(key):
    down, up = jax.random.normal(key, (2, 3, 4))
    assert full(down, up, 1).recognition() is down
    assert untied(down, up, 1).recognition() is up
    for tie in (begun_tied, scaled, Softly(0.1)):
        np.testing.assert_array_equal(tie(down, up, 1).recognition(), tie(down, up, 1).generation())
    assert scaled(down, up, 1).scale.shape == (1, 4)
    with pytest.raises(ValueError, match="strength must be at least 0, got -1"):
        Softly(-1.0)


@pytest.mark.parametrize(
    "name", [n if n in ("full", "untied") else pytest.param(n, marks=pytest.mark.slow) for n in TIES]
)
def test_local_updates_are_the_gradients_of_the_log_probabilities(name, key):
    """Of any layers, against automatic differentiation of the whole chain; check 14: the tied is the sum of the two."""
    tie = TIES[name]
    joints = [Convolution((1, 4, 4), 2, 2, stride=2), Dense((2, 2, 2), (3,)), Dense((3,), (3,))]
    units = [Bits(1, 4, 4), Bits(2, 2, 2), Bits(3), OneHot(3)]
    pair = drawn(lambda key: tied_pair(units, ups=joints, tie=tie, key=key), scale=0.7)
    states = jax.jit(jax.vmap(lambda k: pair.resolve().generate(key=k)))(jax.random.split(key, 5))
    weights = np.linspace(-1.0, 2.0, 5)
    for update, log in ((generation_update, "log_p"), (recognition_update, "log_q")):

        @jax.jit
        def by_hand(pair, update=update):
            change = update(pair.resolve(), states, jnp.asarray(weights))
            return change, pair.pull(change)

        @jax.jit
        def by_differentiation(pair, log=log):
            total = lambda net: jnp.sum(weights * jax.vmap(getattr(net, log))(states))
            change, back = jax.vjp(lambda pair: pair.resolve(), pair)
            slopes = jax.grad(total)(change)
            return slopes, back(slopes)[0]  # and so that of the whole chain

        found, expected = by_hand(pair), by_differentiation(pair)
        for part in range(1 if tie is TIES["soft"] else 2):
            for a, b in zip(*map(jax.tree.leaves, (expected[part], found[part])), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_pair_survives_saving(tie, key, tmp_path):
    """The tie is a node of the tree: what comes back is tied as before, and still resolves to the same networks."""
    pair = tied_pair([Bits(4), Bits(3), OneHot(2)], tie=tie, key=key)
    eqx.tree_serialise_leaves(tmp_path / "pair.eqx", pair)
    other = tied_pair([Bits(4), Bits(3), OneHot(2)], tie=tie, key=jax.random.fold_in(key, 1))
    back = eqx.tree_deserialise_leaves(tmp_path / "pair.eqx", other)
    assert [type(a) for a in back.ties] == [type(a) for a in pair.ties]
    for a, b in zip(jax.tree.leaves(back.resolve()), jax.tree.leaves(pair.resolve()), strict=True):
        np.testing.assert_array_equal(a, b)


def test_full_tying_halves_the_weights(key):
    def weights(tie):
        pair = tied_pair([Bits(6), Bits(5), Bits(4)], tie=tie, key=key)
        return sum(leaf.size for leaf in jax.tree.leaves(pair.ties))

    assert (weights(full), weights(untied), weights(scaled)) == (50, 100, 59)


def test_different_ways_up_and_down(key):
    """Untied, a convolution upward and a dense connection downward are a pair too."""
    units = [Bits(1, 4, 4), Bits(2, 2, 2)]
    pair = tied_pair(
        units, ups=[Convolution((1, 4, 4), 2, 2, 2)], downs=[Dense((1, 4, 4), (2, 2, 2))], tie=untied, key=key
    )
    net = pair.resolve()
    assert jnp.isfinite(jax.jit(lambda net: net.log_p(net.recognise(jnp.ones((1, 4, 4)), key=key)))(net))


def test_sizes_that_do_not_chain(key):
    with pytest.raises(ValueError, match=r"ups\[1\] joins \(4,\) and \(2,\), but layers 1 and 2 have shapes \(3,\)"):
        tied_pair([Bits(5), Bits(3), Bits(2)], ups=[Dense((5,), (3,)), Dense((4,), (2,))], key=key)
    with pytest.raises(ValueError, match="1 layers need 1 connections"):
        tied_pair([Bits(5)], key=key)


@pytest.mark.parametrize("tie", [full, scaled, Softly(1.0)])
def test_what_cannot_be_transposed(tie, key):
    units = [Bits(1, 4, 4), Bits(2, 2, 2)]
    way, other = Convolution((1, 4, 4), 2, 2, stride=2), Dense((1, 4, 4), (2, 2, 2))
    with pytest.raises(ValueError, match=r"(?s)connection 0 needs one connection for both ways.*tie with `untied`"):
        tied_pair(units, ups=[way], downs=[other], tie=lambda d, u, axis: tie(d, d, axis), key=key)
    with pytest.raises(ValueError, match="kernel of 3 with stride 2 and padding 0 cannot be transposed on 8 pixels"):
        Convolution((1, 8, 8), 4, 3, stride=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bits(), "every axis must have at least 1 unit"),
        (lambda: Bits(3, 0), "every axis must have at least 1 unit, got"),
        (lambda: OneHot(1), "at least 2 classes, got 1"),
        (lambda: Convolution((4, 4), 1, 1), r"lower must be \(channels, height, width\)"),
        (lambda: Convolution((1, 4, 4), 1, 2, padding=2), "padding from 0 to side - 1"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_data_are_checked():
    bits, grey = jnp.array([[0.0, 1.0]]), jnp.array([[0.0, 0.3]])
    assert checked(Bits(2), bits, "data") is bits
    with pytest.raises(ValueError, match=r"data must be bits, 0 or 1; make grey values binary.*0 to 0.3"):
        checked(Bits(2), grey, "data")
    with pytest.raises(ValueError, match=r"data must have rows of shape \(3,\), got \(2,\)"):
        checked(Bits(3), bits, "data")
    with pytest.raises(ValueError, match="labels must be indicators with a single 1"):
        checked(OneHot(2), jnp.array([[1.0, 1.0]]), "labels")


class TestQueries:
    """A pair by hand: two classes, two hidden bits that copy the class, four pixels that copy the bits."""

    @pytest.fixture
    def net(self):
        big = 40.0
        pair = tied_pair([Bits(4), Bits(2), OneHot(2)], key=jax.random.key(0))
        kernel = big * jnp.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        pair = eqx.tree_at(
            lambda p: (p.ties[0].kernel, p.ties[1].kernel, p.down_biases, p.up_biases[0]),
            pair,
            (kernel, big * jnp.eye(2), (-big / 2 * jnp.ones(4), -big / 2 * jnp.ones(2)), -big * jnp.ones(2)),
        )
        return pair.resolve()

    def test_generated_and_reconstructed(self, net, key):
        np.testing.assert_allclose(generated(net, jnp.array([0.0, 1.0]), key=key), [0, 0, 1, 1], atol=1e-6)
        whole = jnp.array([1.0, 1.0, 0.0, 0.0])
        for layer in (1, 2, None):
            np.testing.assert_allclose(jax.nn.sigmoid(reconstructed(net, whole, layer=layer)), whole, atol=1e-6)
        with pytest.raises(ValueError, match="layer must be from 1 to 2, got 3"):
            reconstructed(net, whole, layer=3)

    def test_inpainted(self, net, key):
        known = jnp.array([True, False, False, True])
        # What is missing is first drawn at random; then pixel 0 without pixel 1 leaves bit 0 undecided at -40 + 40.
        found = inpainted(net, jnp.array([1.0, 0.0, 0.0, 0.0]), known, sweeps=200, key=key)
        assert float(found[0]) == 1 and float(found[3]) == 0
        assert float(found[1]) > 0.9 and float(found[2]) < 0.1
        with pytest.raises(ValueError, match="sweeps must be at least 1"):
            inpainted(net, jnp.zeros(4), known, sweeps=0, key=key)

    def test_round_trip(self, net, key):
        back = jax.jit(lambda net, label: round_trip(net, PlainForward(), label, key=key))
        for label in (0, 1):
            assert bool(back(net, jnp.asarray(label)))
        swapped = eqx.tree_at(lambda n: n.recognition[1], net, net.recognition[1][::-1])
        assert not bool(back(swapped, jnp.asarray(0)))
