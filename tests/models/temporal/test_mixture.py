"""A prior that can name what it remembers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.memory.specs import DNCSpec
from vestige.models.temporal import (
    AddressedPosterior,
    MixturePrior,
    Recollection,
    ResidualPosterior,
    gtmm,
    mixture,
    vrnn,
)
from vestige.models.temporal.specs import MixturePriorSpec

from .conftest import FRAME, SIZES, introspection

SLOTS, LATENT, CONTEXT = 6, 4, 5


@pytest.fixture
def prior(key):
    return MixturePrior(CONTEXT, LATENT, 8, word_size=LATENT, heads=2, key=key)


def sharing(prior, *shares):
    """The prior with fixed shares: new, anywhere, head by head."""
    layer = prior.shares
    weight, bias = jnp.zeros_like(layer.weight), jnp.log(jnp.array(shares))
    return eqx.tree_at(lambda p: (p.shares.weight, p.shares.bias), prior, (weight, bias))


def recollection(key, written=SLOTS):
    there = jnp.arange(SLOTS) < written
    weights = jax.nn.softmax(jax.random.normal(key, (2, SLOTS))) * there.astype(jnp.float32)[None]
    weights = weights / jnp.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return Recollection(5 * jax.random.normal(key, (SLOTS, LATENT)), there, weights)


@pytest.mark.slow
def test_weights(prior, key):
    given = recollection(key, written=3)
    weights = np.exp(sharing(prior, 0.1, 0.2, 0.3, 0.4)(jnp.ones(CONTEXT), given).log_weights)
    expected = 0.3 * given.weights[0] + 0.4 * given.weights[1] + 0.2 / 3 * (np.arange(SLOTS) < 3)
    np.testing.assert_allclose(weights, [0.1, *expected], atol=1e-6)


@pytest.mark.slow
def test_an_empty_memory_leaves_only_what_is_new(prior, key):
    empty = Recollection(jnp.zeros((SLOTS, LATENT)), jnp.zeros(SLOTS, bool), jnp.zeros((2, SLOTS)))
    context, value = jnp.ones(CONTEXT), jnp.ones(LATENT)
    found = prior(context, empty)
    assert float(found.log_prob(value)) == pytest.approx(float(prior.fresh(context, None).log_prob(value)), rel=1e-5)
    slopes = jax.jit(jax.grad(lambda p: p(context, empty).log_prob(value), allow_int=True))(prior)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(slopes))


class TestBetween:
    """Components between a slot and the next older one."""

    def test_they_start_on_the_way_from_one_to_the_other(self, key):
        prior = MixturePrior(CONTEXT, LATENT, 8, word_size=LATENT, heads=2, between=3, key=key)
        given = recollection(key, written=4)
        found = prior(jnp.ones(CONTEXT), given)
        words = np.asarray(given.words)
        mean = np.asarray(found.components.mean)
        np.testing.assert_allclose(mean[1 : 1 + SLOTS], words, atol=1e-6)
        points = mean[1 + SLOTS :].reshape(SLOTS, 3, LATENT)
        for slot in range(4):
            older = words[slot + 1] if slot < 3 else words[slot]  # the oldest that is there stands for itself
            for k in range(3):
                part = (k + 1) / 4
                np.testing.assert_allclose(points[slot, k], (1 - part) * words[slot] + part * older, atol=1e-5)

    def test_each_slot_shares_its_weight(self, key):
        context = jax.random.normal(key, (CONTEXT,))
        given = recollection(key, written=4)
        plain = MixturePrior(CONTEXT, LATENT, 8, word_size=LATENT, heads=2, key=key)(context, given)
        prior = MixturePrior(CONTEXT, LATENT, 8, word_size=LATENT, heads=2, between=3, key=key)
        weights = np.exp(prior(context, given).log_weights)
        assert weights.sum() == pytest.approx(1, abs=1e-5) and len(weights) == 1 + 4 * SLOTS
        together = weights[1 : 1 + SLOTS] + weights[1 + SLOTS :].reshape(SLOTS, 3).sum(axis=1)
        np.testing.assert_allclose(together, np.exp(plain.log_weights)[1:], atol=1e-6)
        along = np.asarray(jax.nn.softmax(prior.along(context)))
        np.testing.assert_allclose(weights[1:5] / together[:4], along[0], rtol=1e-4)
        np.testing.assert_allclose(weights[1 + SLOTS :].reshape(SLOTS, 3)[0] / together[0], along[1:], rtol=1e-4)

    def test_a_frame_between_two_slots_costs_its_name(self, key):
        prior = sharing(
            MixturePrior(CONTEXT, LATENT, 8, word_size=LATENT, heads=2, between=1, key=key), 1e-6, 1, 1e-6, 1e-6
        )
        prior = eqx.tree_at(lambda p: (p.along.weight, p.along.bias), prior, (jnp.zeros((2, CONTEXT)), jnp.zeros(2)))
        given = recollection(key)
        p = prior(jnp.ones(CONTEXT), given)
        posterior = eqx.tree_at(lambda q: q.network, AddressedPosterior(LATENT, CONTEXT, LATENT, 8, key=key), Shift())
        middle = (given.words[2] + given.words[3]) / 2
        q = posterior(p, jnp.ones(CONTEXT), posterior.project(middle - p.components.mean[0]))
        np.testing.assert_allclose(q.mean, middle, atol=1e-2)
        cost = np.mean(costs(p, q, jax.random.split(key, 20)))
        assert cost == pytest.approx(np.log(2 * SLOTS), abs=0.05)

    def test_slots_without_an_order_are_refused(self, key):
        dnc = DNCSpec().build(LATENT, 8, frames=SLOTS, key=key)
        with pytest.raises(ValueError, match="the slots of DNC do not stand in the order"):
            mixture(dnc, LATENT, 8, between=2, key=key)
        with pytest.raises(ValueError, match="between must be at least 0, got -1"):
            MixturePriorSpec(between=-1)


class Shift(eqx.Module):
    """In place of the network: a code that is put where the features say, with a small scale."""

    def from_features(self, features):
        return features

    def __call__(self, context, projected):
        return projected, jnp.full(LATENT, -3.0)


@jax.jit
def costs(p, q, keys):
    return jax.vmap(lambda key: p.surprise(q, q.draw(key=key)))(keys)


def test_a_frame_that_is_held_costs_its_name(prior, key):
    """The posterior finds the slot from the frame, and pays ln n for saying which."""
    given = recollection(key)
    p = sharing(prior, 1e-6, 1.0, 1e-6, 1e-6)(jnp.ones(CONTEXT), given)
    posterior = eqx.tree_at(lambda q: q.network, AddressedPosterior(LATENT, CONTEXT, LATENT, 8, key=key), Shift())
    for slot in range(SLOTS):
        near = given.words[slot] + 0.01 - p.components.mean[0]
        q = posterior(p, jnp.ones(CONTEXT), posterior.project(near))
        np.testing.assert_allclose(q.mean, p.components.mean[slot + 1], atol=1e-3)
        cost = np.mean(costs(p, q, jax.random.split(key, 20)))
        assert cost == pytest.approx(np.log(SLOTS), abs=0.02)


def test_a_frame_that_is_not_held_is_encoded_anew(prior, key):
    p = sharing(prior, 0.5, 0.5, 1e-6, 1e-6)(jnp.ones(CONTEXT), recollection(key))
    posterior = eqx.tree_at(lambda q: q.network, AddressedPosterior(LATENT, CONTEXT, LATENT, 8, key=key), Shift())
    q = posterior(p, jnp.ones(CONTEXT), jnp.full(LATENT, 0.5))
    np.testing.assert_allclose(q.mean, p.components.mean[0] + 0.5, atol=0.02)


@pytest.mark.slow
def test_what_does_not_go_together(key):
    with pytest.raises(ValueError, match="NoMemory has none"):
        vrnn(FRAME, prior=mixture, posterior=AddressedPosterior, key=key, **SIZES)
    wrong = {
        "under a mixture prior": drawn(lambda key: gtmm(FRAME, introspection(), prior=mixture, key=key, **SIZES)),
        "the prior is no mixture": drawn(
            lambda key: gtmm(FRAME, introspection(), posterior=AddressedPosterior, key=key, **SIZES)
        ),
    }
    assert isinstance(wrong["under a mixture prior"].posterior, ResidualPosterior)
    for message, model in wrong.items():
        with pytest.raises(ValueError, match=message):
            model.filter(jnp.zeros((3, *FRAME)), key=key)
