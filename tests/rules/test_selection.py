"""Which steps a memory is queried about (checks 1 and 13 of the MemUP notes)."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.rules import Candidates, GumbelTopK, Importance, TopK
from vestige.rules.points import prediction_points

SCORES = jnp.array([0.1, 0.9, 0.3, 0.8, 0.2])


def candidates(scores=SCORES):
    order = jnp.argsort(-scores, stable=True)
    return Candidates(order.astype(jnp.int32), scores[order])


@pytest.mark.parametrize(("point", "chosen"), [(0, {1, 3}), (2, {2, 3}), (3, {3, 4})])
def test_the_most_uncertain_that_lie_ahead(point, chosen, key):
    steps, weights = TopK()(candidates(), jnp.array(point), 2, key=key)
    assert set(steps.tolist()) == chosen
    np.testing.assert_array_equal(weights, [0.5, 0.5])


def test_the_last_step_is_asked_about_again_and_again(key):
    steps, weights = TopK()(candidates(), jnp.array(4), 2, key=key)
    np.testing.assert_array_equal(steps, [4, 4])
    np.testing.assert_array_equal(weights, [0.5, 0.5])


def test_of_equals_the_first_candidate_comes_first(key):
    np.testing.assert_array_equal(TopK()(candidates(jnp.ones(5)), jnp.array(1), 3, key=key).steps, [1, 2, 3])


def test_repeats_are_of_what_is_there():
    drawn = [TopK()(candidates(), jnp.array(3), 4, key=jax.random.key(i)).steps.tolist() for i in range(40)]
    assert all(row[:2] == [3, 4] and set(row) == {3, 4} for row in drawn)
    assert {tuple(row[2:]) for row in drawn} == set(itertools.product([3, 4], repeat=2))


@pytest.mark.parametrize("selection", [TopK(), GumbelTopK(), Importance()])
def test_nothing_ahead_counts_for_nothing(selection, key):
    _, weights = selection(candidates(), jnp.array(5), 2, key=key)
    np.testing.assert_array_equal(weights, [0.0, 0.0])
    few = Candidates(jnp.array([2, 0], jnp.int32), jnp.array([1.0, -jnp.inf]))
    steps, weights = selection(few, jnp.array(0), 3, key=key)
    np.testing.assert_array_equal(steps, [2, 2, 2])
    np.testing.assert_allclose(jnp.sum(weights), 1.0)


def test_gumbel_draws_without_replacement_and_by_score():
    """First of the draw: p ∝ exp(score / temperature)."""
    draw = jax.jit(jax.vmap(lambda k: GumbelTopK(0.5)(candidates(), jnp.array(1), 3, key=k).steps))
    steps = np.asarray(draw(jax.random.split(jax.random.key(1), 4000)))
    assert all(len(set(row)) == 3 and min(row) >= 1 for row in steps.tolist())
    expected = np.asarray(jax.nn.softmax(SCORES[1:] / 0.5))
    observed = np.array([(steps[:, 0] == step).mean() for step in range(1, 5)])
    np.testing.assert_allclose(observed, expected, atol=4 * np.sqrt(0.25 / 4000))


def test_importance_weights_make_the_sum_unbiased():
    """Check 13: over all pairs of 6 steps, the probability-weighted mean of the weighted sum is the full sum."""
    scores = jnp.array([0.3, -1.0, 2.0, 0.0, 0.7, -0.4])
    values = jnp.array([1.0, -2.0, 0.5, 3.0, 0.1, -1.5])
    chances = jax.nn.softmax(scores)
    mean = sum(
        chances[i] * chances[j] * (values[i] / (2 * chances[i]) + values[j] / (2 * chances[j]))
        for i, j in itertools.product(range(6), repeat=2)
    )
    np.testing.assert_allclose(mean, jnp.sum(values), rtol=1e-5)
    whole = candidates(scores)
    draw = jax.jit(jax.vmap(lambda k: Importance()(whole, jnp.array(0), 2, key=k)))
    steps, weights = draw(jax.random.split(jax.random.key(2), 20_000))
    np.testing.assert_allclose(weights, 1 / (2 * chances[steps]), rtol=1e-5)
    sums = np.asarray(jnp.sum(weights * values[steps], axis=1))
    assert abs(sums.mean() - float(jnp.sum(values))) < 4 * sums.std() / len(sums) ** 0.5


@pytest.mark.parametrize("kind", [GumbelTopK, Importance])
def test_a_temperature_of_zero_is_refused(kind):
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        kind(0.0)


@pytest.mark.parametrize(
    ("rollout", "frequency", "steps", "points"),
    [
        (10, 5, 10, [4, 9]),
        (10, 7, 10, [6, 9]),
        (10, 10, 10, [9]),
        (10, 1, 3, [0, 1, 2]),
        (10, 5, 7, [4, 6]),
        (10, 5, 5, [4]),
        (10, 5, 2, [1]),
        (10, 5, 0, []),
    ],
)
def test_prediction_points(rollout, frequency, steps, points):
    """Check 1, second half: steps 25 to 34 give 29, 34 and 31, 34."""
    places, counted = prediction_points(rollout, frequency, jnp.array(steps))
    assert places[counted].tolist() == points
