"""Moving points against a simulation step by step, and trackers against SciPy's assignment."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from vestige.models.structured.tracking_specs import TrackingSpec
from vestige.tasks.structured import (
    ObjectTracking,
    assigned,
    constant_velocity,
    drawn_detections,
    kalman,
    nearest,
    reflected,
    right_tracks,
)
from vestige.tasks.structured.specs import ObjectTrackingSpec

OBJECTS, LENGTH, NOISE = 4, 20, 0.02


@pytest.fixture(scope="module")
def sequences():
    """Thirty sequences: detections, and of which object each is."""
    keys = jax.random.split(jax.random.key(0), 30)
    made = jax.jit(jax.vmap(lambda key: drawn_detections(OBJECTS, LENGTH, NOISE, key=key)))(keys)
    return np.asarray(made.places, np.float64), np.asarray(made.objects)


def test_points_move_straight_on_and_bounce():
    """Without noise: put in order, every point goes as a simulation of small steps does."""
    made = jax.jit(lambda key: drawn_detections(3, 40, 1e-7, key=key))(jax.random.key(4))
    places, objects = np.asarray(made.places, np.float64), np.asarray(made.objects)
    ways = np.stack([place[np.argsort(order)] for place, order in zip(places, objects, strict=True)])
    assert ways.min() > -1e-5 and ways.max() < 1 + 1e-5
    free = next(t for t in range(39) if ((ways[t : t + 2] > 0.16) & (ways[t : t + 2] < 0.84)).all())
    place, velocity = ways[free].copy(), ways[free + 1] - ways[free]
    speeds = np.linalg.norm(velocity, axis=1)
    assert np.all((speeds > 0.05) & (speeds < 0.15))
    for frame in range(free + 1, 40):
        for _ in range(200):
            place = place + velocity / 200
            velocity = np.where((place < 0) | (place > 1), -velocity, velocity)
            place = np.where(place < 0, -place, np.where(place > 1, 2 - place, place))
        np.testing.assert_allclose(place, ways[frame], atol=2e-4)


def test_frames_are_shuffled_but_for_the_first(sequences):
    _, objects = sequences
    np.testing.assert_array_equal(objects[:, 0], np.tile(np.arange(OBJECTS), (30, 1)))
    np.testing.assert_array_equal(np.sort(objects, axis=2), np.broadcast_to(np.arange(OBJECTS), objects.shape))
    assert abs(np.mean(objects[:, 1:, 0] == 0) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / (30 * 19))


def test_reflection_by_hand():
    np.testing.assert_allclose(
        reflected(jnp.array([0.3, -0.2, 1.1, 2.3, -1.25])), [0.3, 0.2, 0.9, 0.3, 0.75], rtol=1e-5
    )


def test_assignments_are_those_of_scipy():
    costs = np.random.default_rng(0).normal(size=(40, 5, 5))
    found = jax.jit(jax.vmap(assigned))(jnp.asarray(costs, jnp.float32))
    np.testing.assert_array_equal(found, [linear_sum_assignment(each)[1] for each in costs])


def by_scipy(frames, start, step):
    """A tracker: `step` predicts from a state and corrects it by the detections that SciPy assigns."""
    state, taken = start, []
    for detections in frames[1:]:
        place = step(state, None)
        chosen = linear_sum_assignment(np.sum((place[:, None] - detections[None]) ** 2, axis=-1))[1]
        taken.append(chosen)
        state = step(state, detections[chosen])
    return np.stack(taken)


def of_constant_velocity(state, seen):
    last, before = state
    expected = 2 * last - before
    return expected if seen is None else (seen, last)


def of_kalman(state, seen):
    """Every coordinate with matrices of its own."""
    means, covariance = state  # (objects, 2, 2): place and velocity; (2, 2)
    moved = np.array([[1.0, 1.0], [0.0, 1.0]])
    means, covariance = moved @ means, moved @ covariance @ moved.T + 1e-6 * np.eye(2)
    out = (means[:, 0] < 0) | (means[:, 0] > 1)
    means[:, 0] = np.where(means[:, 0] < 0, -means[:, 0], np.where(means[:, 0] > 1, 2 - means[:, 0], means[:, 0]))
    means[:, 1] = np.where(out, -means[:, 1], means[:, 1])
    if seen is None:
        return means[:, 0]
    gain = covariance[:, 0] / (covariance[0, 0] + NOISE**2 + 1e-6)
    means = means + gain[None, :, None] * (seen - means[:, 0])[:, None, :]
    return means, covariance - np.outer(gain, covariance[0])


def test_trackers_are_those_that_numpy_writes_out(sequences):
    places, objects = sequences
    frames = jnp.asarray(places, jnp.float32)
    by_velocity = np.stack([by_scipy(way, (way[0], way[0]), of_constant_velocity) for way in places])
    agree = np.mean(jax.jit(jax.vmap(constant_velocity))(frames) == by_velocity)
    assert agree > 0.995  # where two assignments cost the same to rounding
    speeds = np.mean(np.linspace(0.05, 0.15, 10_001) ** 2) / 2
    start = lambda way: (np.stack([way[0], 0 * way[0]], axis=1), np.diag([NOISE**2, speeds]))
    by_filter = np.stack([by_scipy(way, start(way), of_kalman) for way in places])
    agree = np.mean(jax.jit(jax.vmap(lambda way: kalman(way, NOISE)))(frames) == by_filter)
    assert agree > 0.995
    last, taken = places[:, 0], []
    for detections in np.swapaxes(places, 0, 1)[1:]:
        chosen = np.argmin(np.sum((last[:, :, None] - detections[:, None]) ** 2, axis=-1), axis=2)
        taken.append(chosen)
        last = np.take_along_axis(detections, chosen[:, :, None], axis=1)
    np.testing.assert_array_equal(jax.jit(jax.vmap(nearest))(frames), np.swapaxes(taken, 0, 1))
    right = [float(np.mean(jax.vmap(right_tracks)(found, objects))) for found in (by_velocity, by_filter)]
    assert 0.7 < right[0] < right[1] < 0.99


def test_right_tracks_by_hand():
    objects = jnp.array([[0, 1, 2], [2, 0, 1]], jnp.int32)
    np.testing.assert_allclose(right_tracks(jnp.array([[1, 2, 0]], jnp.int32), objects), [1.0])
    np.testing.assert_allclose(right_tracks(jnp.array([[1, 0, 0]], jnp.int32), objects), [2 / 3], rtol=1e-6)


@pytest.mark.parametrize("association", ["matching", "independent", "attention"])
def test_a_fresh_model_already_follows_and_its_names_are_counted(association):
    """It starts as a filter of constant velocity whose scores are log-densities."""
    spec = ObjectTrackingSpec(3, 6)
    task = spec.build(seed=0)
    model = TrackingSpec(association, draws=2, width=4).build(spec, key=jax.random.key(0))
    evaluated = eqx.filter_jit(lambda model, key: task.evaluate(model, size=64, key=key))
    found = {name: float(value) for name, value in evaluated(model, jax.random.key(1)).items()}
    assert 0.6 < found["identity_accuracy"] <= found["identity_accuracy_assigned"] + 0.1
    assert found["identity_nearest"] < found["identity_kalman"]
    blind = eqx.tree_at(
        lambda m: (m.scorer.log_factor, m.scorer.last.weight), model, (jnp.asarray(-60.0), jnp.zeros((1, 4)))
    )
    guess = evaluated(drawn_scores(blind), jax.random.key(1))
    assert abs(float(guess["identity_accuracy"]) - 1 / 3) < 4 * np.sqrt(2 / 9 / (64 * 5))
    arrays = task.diagnostics(model, size=8, key=jax.random.key(2)).arrays
    assert arrays["detections"].shape == (3, 6, 3, 2)
    assert arrays["true_objects"].shape == arrays["named_objects"].shape == (3, 6, 3)
    np.testing.assert_array_equal(arrays["named_objects"][:, 0], arrays["true_objects"][:, 0])


def drawn_scores(model):
    """Scores that know nothing of the detections: they name them by their places in the frame, which are random."""

    class Blind(eqx.Module):
        def __call__(self, predicted, detections):
            return 9.0 * jnp.eye(detections.shape[0])

    return eqx.tree_at(lambda m: m.scorer, model, Blind())


def test_levels():
    bounds = ObjectTracking(OBJECTS, LENGTH).bounds({})
    assert bounds["identity_accuracy"] == bounds["identity_accuracy_last"] == {"best": 1.0, "chance": 0.25}
    assert bounds["detection_bound"] == {"best": None, "chance": 0.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ObjectTracking(1, 5), "objects must be at least 2, or none can be confused, got 1"),
        (lambda: ObjectTracking(13, 5), "objects must be at most 12, since the probability of a matching is a sum"),
        (lambda: ObjectTracking(3, 1), "length must be at least 2, since frame 0 is given, got 1"),
        (lambda: ObjectTracking(3, 5, 0.0), "noise must be positive, got 0"),
        (lambda: ObjectTrackingSpec(objects=1), "objects must be at least 2, got 1"),
        (lambda: ObjectTrackingSpec(objects=13), "objects must be at most 12, got 13"),
        (lambda: ObjectTrackingSpec(length=1), "length must be at least 2, got 1"),
        (lambda: ObjectTrackingSpec(noise=0.0), "noise must be positive, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
