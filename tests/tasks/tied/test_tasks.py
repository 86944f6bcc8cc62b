"""Patterns, labelled images, classifiers: metrics that can be checked by hand."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.tied import Bits, OneHot, tied_pair
from vestige.tasks.tied import CalibratedDigits, LabelledImages, Patterns, bars_and_stripes, few_labels, indicators


@eqx.filter_jit
def evaluated(task, model, size, key):
    return task.evaluate(model, size=size, key=key)


def test_bars_and_stripes():
    """2 · 2^n - 2 distinct images; every one has equal rows or equal columns."""
    for side in (2, 3, 4):
        found = bars_and_stripes(side)
        assert found.shape == (2 * 2**side - 2, side * side)
        assert len({tuple(row) for row in found}) == len(found)
        images = found.reshape(-1, side, side)
        bars, stripes = (np.all(images == images[:, :1], axis=(1, 2)), np.all(images == images[..., :1], axis=(1, 2)))
        assert np.all(bars | stripes)
    with pytest.raises(ValueError, match="side must be from 2 to 10, got 11"):
        bars_and_stripes(11)


@pytest.mark.slow
def test_patterns(key):
    """Without weights they cost what independent bits do, and both directions agree; batches draw all alike."""
    task = Patterns(jnp.asarray(bars_and_stripes(3)))
    model = tied_pair([Bits(9), Bits(3), Bits(2)], scale=0.0, data_mean=task.patterns.mean(axis=0), key=key)
    found = evaluated(task, model, 1, key)
    bounds = task.bounds(found)["nll"]
    np.testing.assert_allclose(found["nll"], bounds["chance"], rtol=1e-5)
    np.testing.assert_allclose(found["consistency_gap"], 0.0, atol=1e-5)
    assert bounds["best"] == pytest.approx(np.log(14))
    drawn = np.asarray(jax.jit(lambda key: task.batch(size=1400, key=key).inputs)(key))
    counts = [int(np.sum(np.all(drawn == row, axis=1))) for row in np.asarray(task.patterns)]
    assert sum(counts) == 1400 and max(abs(count - 100) for count in counts) < 40
    with pytest.raises(ValueError, match="patterns must be bits, 0 or 1; make grey values binary"):
        Patterns(jnp.asarray([[0.5, 1.0]]))


def test_labels():
    np.testing.assert_array_equal(indicators(np.array([1, -1, 0]), 2), [[0, 1], [0, 0], [1, 0]])
    with pytest.raises(ValueError, match="labels must be classes 0 to 1, or -1 where they are not known, got 0 to 2"):
        indicators(np.array([0, 2]), 2)
    labels = np.array([0, 1, 0, 1, 0])
    np.testing.assert_array_equal(few_labels(labels, 1, 2), [0, 1, -1, -1, -1])
    with pytest.raises(ValueError, match="class 1 has 2 examples, 3 were requested"):
        few_labels(labels, 3, 2)
    with pytest.raises(ValueError, match="each must be at least 1, got 0"):
        few_labels(labels, 0, 2)


def halves(**changed):
    """Four pixels, two classes: the upper half or the lower one."""
    images = jnp.asarray([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    fields = {
        "train": images,
        "train_labels": jnp.eye(2),
        "test": jnp.tile(images, (5, 1)),
        "test_labels": jnp.tile(jnp.arange(2), 5),
        "image": (2, 2),
        "samples": 20,
        "sweeps": 40,
    }
    return LabelledImages(**{**fields, **changed})


@pytest.fixture
def copying():
    """A pair that knows: pixels copy two bits, which copy the class."""
    big = 40.0
    pair = tied_pair([Bits(4), Bits(2), OneHot(2)], key=jax.random.key(0))
    kernel = big * jnp.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    return eqx.tree_at(
        lambda p: (p.ties[0].kernel, p.ties[1].kernel, p.down_biases, p.up_biases[0]),
        pair,
        (kernel, big * jnp.eye(2), (-big / 2 * jnp.ones(4), -big / 2 * jnp.ones(2)), -big * jnp.ones(2)),
    )


@pytest.mark.slow
def test_a_model_that_knows(copying, key):
    task = halves()
    found = evaluated(task, copying, 10, key)
    for name in ("error", "error_ap2", "error_sampled", "error_generative", "inpainting", "ece"):
        assert float(found[name]) == pytest.approx(0.0, abs=1e-3), name
    assert float(found["nll"]) == pytest.approx(np.log(2), abs=1e-3)
    assert float(found["consistency_gap"]) == pytest.approx(0.0, abs=1e-3)
    assert float(found["round_trip"]) == 1.0 and float(found["ess"]) == pytest.approx(20, rel=1e-3)
    bounds = task.bounds(found)
    assert bounds["error"] == {"best": 0.0, "chance": 0.5}
    assert bounds["nll"]["chance"] == pytest.approx(4 * np.log(2))


@pytest.mark.slow
def test_a_model_that_knows_the_opposite(copying, key):
    """Judged on fewer than there are: drawn by the key."""
    swapped = eqx.tree_at(lambda p: p.ties[1].kernel, copying, copying.ties[1].kernel[::-1])
    found = evaluated(halves(), swapped, 4, key)
    assert float(found["error"]) == 1.0 and float(found["error_generative"]) == 1.0


@pytest.mark.slow
def test_without_labels(key):
    """A top of bits: judged as data alone."""
    model = eqx.filter_jit(tied_pair)([Bits(4), Bits(3)], key=key)
    found = evaluated(halves(train_labels=None), model, 3, key)
    assert "error" not in found and np.isfinite(float(found["nll"]))


def test_which_pixels_are_given():
    np.testing.assert_array_equal(halves().upper_half(), [True, True, False, False])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"samples": 0}, r"samples \(K\) must be at least 1, got 0"),
        ({"test_labels": jnp.full(10, 2)}, "test_labels must be from 0 to 1, got 2 to 2"),
        ({"train": jnp.full((2, 4), 0.3)}, "train must be bits, 0 or 1; make grey values binary first"),
    ],
)
def test_refusals(changed, message):
    with pytest.raises(ValueError, match=message):
        halves(**changed)


@pytest.mark.slow
def test_a_classifier(key):
    """One layer: no hidden units, so all three ways are the softmax itself."""
    images, labels = jax.random.uniform(key, (6, 4)), jnp.array([0, 1, 2, 0, 1, 2])
    task = CalibratedDigits(images, jax.nn.one_hot(labels, 3), images, labels, passes=5)
    model = eqx.nn.MLP(4, 3, 5, 0, activation=jax.nn.sigmoid, key=key)
    found = evaluated(task, model, 6, key)
    expected = -jnp.mean(
        jnp.take_along_axis(jax.nn.log_softmax(jax.jit(jax.vmap(model))(images)), labels[:, None], axis=1)
    )
    for ending in ("", "_ap2", "_sampled"):
        assert float(found[f"label_nll{ending}"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(found["variation_ap1"]) == pytest.approx(0.0, abs=1e-6)
    assert task.bounds(found)["error"]["chance"] == pytest.approx(2 / 3)
    assert task.batch(size=4, key=key).targets.shape == (4, 3)


def test_patterns_of_25_pixels_are_followed_by_chains():
    """A task that is evaluated exactly but for the chain, whose data are too many to list."""
    task = Patterns(jnp.asarray(bars_and_stripes(5)))
    model = drawn(lambda key: tied_pair([Bits(25), Bits(3)], key=key))
    found = task.diagnostics(model, size=1, key=jax.random.key(0))
    assert np.isfinite(found.metrics["limiting_drift"]) and "limiting_kl" not in found.metrics
    assert found.arrays["limiting_samples"].shape == (10, 5, 5)
