"""Calibration against arithmetic, and what it is not defined for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.tied import reliability

TWO = [[0.9, 0.1], [0.2, 0.8]]


def test_calibration():
    """Three decisions at 0.9, two of them right, and one at 0.6, right: 3/4 |2/3 - 0.9| + 1/4 |1 - 0.6|."""
    probabilities = jnp.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.4, 0.6]])
    found = reliability(probabilities, jnp.array([0, 1, 1, 1]), bins=5)
    assert float(found.ece) == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.4)
    np.testing.assert_allclose(found.share, [0, 0, 0, 0.25, 0.75])
    certain = reliability(jnp.array([[1.0, 0.0]]), jnp.array([0]))
    assert float(certain.ece) == 0.0 and float(certain.share[-1]) == 1.0
    with pytest.raises(ValueError, match="bins must be at least 1"):
        reliability(probabilities, jnp.array([0, 1, 1, 1]), bins=0)


@pytest.mark.parametrize("column", [[0.1, 0.1, 0.9, 0.6], [[0.1], [0.1], [0.9], [0.6]]])
@pytest.mark.parametrize("kind", [int, bool])
def test_a_binary_column_is_two_classes(column, kind):
    labels = jnp.array([0, 1, 1, 1], kind)
    found = reliability(jnp.array(column), labels, bins=5)
    assert float(found.ece) == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.4)


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([[5.0, -3.0], [9.0, 1.0]], [0, 0], r"add up to 1, got \[5.0, -3.0\] in row 0; of logits take jax.nn.softmax"),
        ([[0.9, 0.1], [0.9, 0.9]], [0, 0], r"got \[0.9, 0.9\] in row 1"),
        ([[0.9, 0.1], [np.nan, 0.9]], [0, 0], "in row 1"),
        ([5.0, 0.2], [0, 1], "in row 0"),
        (TWO, [[0], [1]], r"labels must be \(2,\) integers, one for every row, got int\d+ \(2, 1\)"),
        (TWO, [[1, 0], [0, 1]], r"labels must be \(2,\) integers.*argmax"),
        (TWO, [0.0, 1.0], r"got float\d+ \(2,\)"),
        (TWO, [0, 1, 1], r"got int\d+ \(3,\)"),
        (TWO, [0, 7], "labels must be from 0 to 1, got 7 in row 1"),
        (TWO, [-1, 0], "labels must be from 0 to 1, got -1 in row 0"),
        (np.zeros((0, 2)), np.zeros(0, int), r"probabilities must be .* got float\d+ \(0, 2\)"),
        ([[1, 0]], [0], r"probabilities must be floating-point .* got int"),
    ],
)
def test_what_is_no_probability_or_label_is_refused(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        reliability(jnp.asarray(probabilities), jnp.asarray(labels))


def test_in_a_compiled_program_it_is_nan():
    compiled = jax.jit(lambda p, y: reliability(p, y).ece)
    assert np.isfinite(compiled(jnp.asarray(TWO), jnp.asarray([0, 1])))
    assert np.isnan(compiled(5 * jnp.asarray(TWO), jnp.asarray([0, 1])))
    assert np.isnan(compiled(jnp.asarray(TWO), jnp.asarray([0, 7])))
