"""The bound of a tracker and its gradient against the enumeration of all associations of three objects."""

import dataclasses
import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from scipy.special import logsumexp

from tests.drawn import drawn
from vestige.experiments import Experiment
from vestige.models.structured import TrackingBound, TrackingModel, log_densities
from vestige.models.structured.tracking_specs import TrackingSpec
from vestige.plain import from_plain, to_plain
from vestige.structures import Choices, Matching, structure_log_prob
from vestige.structures.exact import all_winners
from vestige.tasks.structured.specs import ObjectTrackingSpec
from vestige.typing import Batch

TASK = ObjectTrackingSpec(3, 3)
FRAMES = jnp.array(
    [
        [[0.2, 0.3], [0.5, 0.6], [0.7, 0.2]],
        [[0.55, 0.5], [0.3, 0.35], [0.6, 0.25]],
        [[0.4, 0.45], [0.55, 0.3], [0.5, 0.45]],
    ],
    jnp.float32,
)
KEYS = 6000
LATENT = {
    "matching": TrackingSpec("matching", 2, width=3),
    "matching, by value": TrackingSpec("matching", 2, "value", 3),
    "independent": TrackingSpec("independent", 2, width=3),
}


@functools.cache
def tracker(name):
    """Weights that are far from the start, and predictions that are wide enough for every association to count."""
    model = drawn(lambda key: LATENT[name].build(TASK, key=key))
    wide = jnp.full(5, 0.2), jnp.asarray(-1.0)
    return eqx.tree_at(lambda m: (m.dynamics.last.bias, m.scorer.log_factor), model, wide)


def forced(model, winners):
    """log q and cost of one sequence of associations, differentiable in everything: a trace for each later frame."""
    tracks = model.dynamics.init(FRAMES[0])
    log_probs, costs = [], []
    for detections, wins in zip(FRAMES[1:], winners, strict=True):
        predicted = model.dynamics.predict(tracks)
        posterior = model.association.over(model.scorer(predicted, detections))
        prior = posterior.with_log_rates(jnp.zeros((3, 3)))
        trace = posterior.replay(wins)
        value = posterior.value(trace)
        if getattr(model.association, "level", "trace") == "value":
            log_prob, before = structure_log_prob(posterior, value), structure_log_prob(prior, value)
        else:
            log_prob, before = posterior.log_prob(trace), prior.log_prob(trace)
        likelihood = jnp.sum(value * log_densities(predicted, detections))
        log_probs.append(log_prob)
        costs.append(log_prob - before - likelihood)
        tracks = model.dynamics.update(predicted, detections, value)
    return jnp.stack(log_probs), jnp.stack(costs)


def listed(name):
    """One sequence of winners for each that counts: of values, one of the traces of each."""
    structure = Choices(jnp.zeros((3, 3))) if name == "independent" else Matching(jnp.zeros((3, 3)))
    winners = all_winners(structure)
    if name == "matching, by value":
        _, first = np.unique(np.sort(winners, axis=1), axis=0, return_index=True)
        winners = winners[first]
    return jnp.asarray(list(itertools.product(winners, repeat=2)))


def enumerated(model, name):
    """The bound by detection, every sequence of associations weighed by its probability."""
    log_probs, costs = jax.vmap(lambda winners: forced(model, winners))(listed(name))
    return -jnp.sum(jnp.exp(jnp.sum(log_probs, axis=1)) * jnp.sum(costs, axis=1)) / 6


def marginal(model, name):
    """log p(frames 1, 2 | frame 0) by detection, in float64 from the joint of each sequence of values."""
    log_probs, costs = jax.vmap(lambda winners: forced(model, winners))(listed(name))
    return logsumexp(np.sum(np.asarray(log_probs - costs, np.float64), axis=1)) / 6


def projected(gradient):
    """Sums of a gradient in eight fixed directions."""
    flat = jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(gradient)])
    return jnp.asarray(np.random.default_rng(2).normal(size=(8, flat.size)), flat.dtype) @ flat


@functools.cache
def estimates(name):
    """Bounds and projected gradients, one row a key."""
    model, example = tracker(name), Batch(FRAMES)

    def one(key):
        value, slope = eqx.filter_value_and_grad(lambda m: TrackingBound()(m, example, key=key)[0])(model)
        return jnp.concatenate([value[None], projected(slope)])

    keys = jax.random.split(jax.random.key(1), KEYS)
    return np.asarray(jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=500))(keys), np.float64)


@pytest.mark.parametrize("name", LATENT)
def test_bound_and_gradient_are_those_of_the_enumeration(name):
    model = tracker(name)
    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(lambda m: enumerated(m, name)))(model)
    wanted = np.concatenate([[value], projected(slope)])
    found = estimates(name)
    errors = np.std(found, axis=0) / np.sqrt(KEYS)
    assert np.all(np.abs(np.mean(found, axis=0) - wanted) < 4 * errors)
    assert np.all(errors < 0.2 * np.linalg.norm(wanted[1:]))  # or nothing would be seen


@pytest.mark.parametrize("name", ["matching, by value", "independent"])
def test_the_bound_is_below_the_marginal_likelihood(name):
    model = tracker(name)
    bound, exact = float(enumerated(model, name)), float(marginal(model, name))
    assert bound < exact - 0.01
    matching = name != "independent"
    by_hand = log_marginal_of_the_second_frame(model, matching)
    two = TrackingModel(model.dynamics, model.scorer, model.association, 2)
    sampled = jax.vmap(lambda key: two.sample(FRAMES[:2], key=key))(jax.random.split(jax.random.key(3), 2000))
    weights = -np.asarray(sampled.cost, np.float64)[:, 0]  # importance weights of one frame: their mean is exact
    ratios = np.exp(weights - by_hand)
    assert abs(np.mean(ratios) - 1) < 4 * np.std(ratios) / np.sqrt(len(ratios))


def log_marginal_of_the_second_frame(model, matching):
    """Σ over all matchings, or over all choices, in NumPy."""
    predicted = model.dynamics.predict(model.dynamics.init(FRAMES[0]))
    densities = np.asarray(log_densities(predicted, FRAMES[1]), np.float64)
    ways = itertools.permutations(range(3)) if matching else itertools.product(range(3), repeat=3)
    each = [sum(densities[row, column] for row, column in enumerate(way)) for way in ways]
    return logsumexp(each) - np.log(len(each))


def test_densities_are_those_of_isotropic_gaussians():
    from scipy.stats import multivariate_normal

    predicted = tracker("matching").dynamics.predict(tracker("matching").dynamics.init(FRAMES[0]))
    for track in range(3):
        variance = float(jnp.exp(2 * predicted.log_std[track]))
        mean = np.asarray(predicted.tracks.places[track])
        wanted = multivariate_normal(mean, variance * np.eye(2)).logpdf(np.asarray(FRAMES[1]))
        np.testing.assert_allclose(log_densities(predicted, FRAMES[1])[:, track], wanted, rtol=1e-4)


def test_without_a_latent_a_frame_is_a_mixture():
    """And tracks move by softmax weights, whose small sums do not matter."""
    spec = TrackingSpec("attention", width=3)
    model = drawn(lambda key: spec.build(TASK, key=key))
    loss = -TrackingBound()(model, Batch(FRAMES), key=jax.random.key(0))[0]
    tracks, total = model.dynamics.init(FRAMES[0]), 0.0
    for detections in FRAMES[1:]:
        predicted = model.dynamics.predict(tracks)
        total -= logsumexp(np.asarray(log_densities(predicted, detections), np.float64), axis=1).sum() - 3 * np.log(3)
        weights = jax.nn.softmax(model.scorer(predicted, detections), axis=1)
        tracks = model.dynamics.update(predicted, detections, weights)
    np.testing.assert_allclose(loss, total / 6, rtol=1e-5)
    far = FRAMES.at[2].add(40.0)
    slope = eqx.filter_grad(lambda m: TrackingBound()(m, Batch(far), key=jax.random.key(0))[0])(model)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


def test_a_track_moves_to_the_mean_of_its_detections_and_stays_without():
    model = tracker("matching")
    predicted = model.dynamics.predict(model.dynamics.init(FRAMES[0]))
    update = lambda weights: model.dynamics.update(predicted, FRAMES[1], jnp.asarray(weights))
    two = update([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(two.places[2], predicted.tracks.places[2], rtol=1e-6)
    middle = jnp.mean(FRAMES[1, :2], axis=0)
    moved, aimed = two.places[0] - predicted.tracks.places[0], middle - predicted.tracks.places[0]
    np.testing.assert_allclose(moved[0] / aimed[0], moved[1] / aimed[1], rtol=1e-4)
    assert 0 < float(moved[0] / aimed[0]) < 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrackingSpec(draws=1), "draws must be at least 2, got 1"),
        (lambda: TrackingSpec(width=0), "width must be at least 1, got 0"),
        (lambda: TrackingSpec("independent", level="value"), "level value is of a matching"),
        (lambda: dataclasses.replace(tracker("matching"), draws=1), "draws must be at least 2, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_survive_yaml():
    made = Experiment(TASK, TrackingSpec("independent", 3))
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(made))), where="x") == made


@pytest.mark.parametrize(
    ("association", "weights", "frames"),
    [
        ("matching", "bfloat16", "bfloat16"),
        ("independent", "float32", "bfloat16"),
        ("attention", "float16", "float32"),
    ],
)
@jax.numpy_dtype_promotion("standard")
def test_precisions_mix(association, weights, frames):
    task = ObjectTrackingSpec(3, 4).build(seed=0)
    model = TrackingSpec(association, 2, width=8).build(task, key=jax.random.key(0))
    example = jax.tree.map(lambda leaf: leaf[0], task.batch(size=1, key=jax.random.key(1)))

    def bound(model, inputs):
        example_of = Batch(inputs, example.targets)
        return TrackingBound()(model, example_of, key=jax.random.key(2))[0]

    cast = jax.tree.map(lambda leaf: leaf.astype(weights) if eqx.is_inexact_array(leaf) else leaf, model)
    value, slopes = eqx.filter_value_and_grad(bound)(cast, example.inputs.astype(frames))
    assert jnp.allclose(value, bound(model, example.inputs), atol=0.1)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(slopes))
    assert cast.follow(example.inputs.astype(frames)).weights.shape == (3, 3, 3)
