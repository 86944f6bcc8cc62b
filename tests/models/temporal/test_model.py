"""What holds for every generative temporal model, whatever its memory and pattern."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.temporal import elbo, gtmm
from vestige.numerics import GaussianMixture
from vestige.typing import Batch

from .conftest import FRAME, SIZES, dnc, introspection

assert_equal = np.testing.assert_array_equal


@eqx.filter_jit
def filtered(model, frames, key, **options):
    return model.filter(frames, key=key, **options)


@eqx.filter_jit
def generated(model, steps, key, state=None):
    return model.generate(steps, state=state, key=key)


@eqx.filter_jit
def value_and_gradient(model, frames, mask, key):
    return eqx.filter_value_and_grad(lambda model: elbo(model, Batch(frames, mask=mask), key=key)[0])(model)


def same(a, b):
    jax.tree.map(assert_equal, a, b)


def means(seen):
    """Of the prior, of all its components if there are several."""
    return getattr(seen.prior, "components", seen.prior).mean


def head(tree, n):
    return jax.tree.map(lambda leaf: leaf[:n], tree)


def test_shapes(model, frames, key):
    seen = filtered(model, frames, key=key)
    assert seen.latent.shape == (8, 3)
    assert seen.frame_parameters.shape == (8, *FRAME)
    assert seen.context.shape == (8, model.memory.context_size)


class TestCausality:
    AT = 4

    def test_the_past_does_not_see_the_present(self, model, frames, key):
        before = filtered(model, frames, key=key)
        after = filtered(model, frames.at[self.AT].set(1 - frames[self.AT]), key=key)
        same(head(before.prior, self.AT + 1), head(after.prior, self.AT + 1))
        same(before.context[: self.AT + 1], after.context[: self.AT + 1])
        same(head(before.posterior, self.AT), head(after.posterior, self.AT))
        same(before.frame_parameters[: self.AT], after.frame_parameters[: self.AT])

    def test_the_future_does(self, model, frames, key):
        before = filtered(model, frames, key=key)
        after = filtered(model, frames.at[self.AT].set(1 - frames[self.AT]), key=key)
        assert not np.array_equal(before.posterior.mean[self.AT], after.posterior.mean[self.AT])
        assert not np.array_equal(*(means(seen)[self.AT + 1] for seen in (before, after)))

    def test_no_gradient_of_an_earlier_kl(self, model, frames, key):
        def kl(frames, step):
            seen = filtered(model, frames, key=key)
            return seen.prior.surprise(seen.posterior, seen.latent)[step]

        gradient = jax.jit(jax.grad(kl))(frames, 3)
        assert_equal(gradient[4:], jnp.zeros_like(gradient[4:]))
        assert float(jnp.max(jnp.abs(gradient[:4]))) > 0


class TestMask:
    MASK = jnp.array([True] * 5 + [False] * 3)

    def test_garbage_in_the_padding_changes_nothing(self, model, frames, key):
        clean = value_and_gradient(model, frames, self.MASK, key)
        dirty = value_and_gradient(model, frames.at[5:].set(jnp.nan), self.MASK, key)
        same(jax.tree.leaves(clean), jax.tree.leaves(dirty))

    def test_padding_is_the_shorter_sequence(self, model, frames, key):
        padded = value_and_gradient(model, frames, self.MASK, key)
        short = value_and_gradient(model, frames[:5], None, key)
        for a, b in zip(jax.tree.leaves(padded), jax.tree.leaves(short), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)

    def test_a_hole_in_the_middle_is_as_if_it_were_not_there(self, model, frames, key):
        mask = np.array([True, True, False, True, False, False, True, True])
        holed = filtered(model, frames, mask=mask, key=key)
        joined = filtered(model, frames[mask], key=key, state=model.init())
        np.testing.assert_allclose(holed.latent[mask], joined.latent, rtol=1e-5, atol=1e-6)

    def test_all_masked_is_zero_with_zero_gradient(self, model, frames, key):
        value, gradients = value_and_gradient(model, frames * jnp.nan, jnp.zeros(8, bool), key)
        assert float(value) == 0
        for leaf in jax.tree.leaves(gradients):
            assert_equal(leaf, jnp.zeros_like(leaf))


def test_reset_in_the_middle_starts_anew(model, frames, key):
    reset = jnp.zeros(8, bool).at[3].set(True)
    packed = filtered(model, frames, reset=reset, key=key)
    later = filtered(model, frames[3:], state=model.init()._replace(step=jnp.asarray(3, jnp.int32)), key=key)
    np.testing.assert_allclose(packed.latent[3:], later.latent, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(means(packed)[3:], means(later), rtol=1e-5, atol=1e-6)


def test_two_parts_are_the_whole(model, frames, key):
    whole = filtered(model, frames, key=key)
    first = filtered(model, frames[:3], key=key)
    second = filtered(model, frames[3:], state=first.state, key=key)
    np.testing.assert_allclose(whole.latent[3:], second.latent, rtol=1e-5, atol=1e-6)
    assert int(second.state.step) == 8


def test_batch_of_one_is_a_row_of_the_batch(model, key):
    batch = jax.random.bernoulli(key, 0.5, (4, 8, *FRAME)).astype(jnp.float32)
    keys = jax.random.split(key, 4)
    run = eqx.filter_jit(jax.vmap(lambda x, k: filtered(model, x, key=k).latent))
    np.testing.assert_allclose(run(batch, keys)[2:3], run(batch[2:3], keys[2:3]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(batch, keys)[2], filtered(model, batch[2], key=keys[2]).latent, rtol=1e-5, atol=1e-6)


class TestGeneration:
    def test_repeatable_and_varied(self, model, key):
        one = generated(model, 6, key=key)
        same(one.latent, generated(model, 6, key=key).latent)
        assert not np.array_equal(one.latent, generated(model, 6, key=jax.random.fold_in(key, 1)).latent)

    def test_latents_come_from_the_prior(self, model, key):
        samples = generated(model, 6, key=key)
        same(samples.posterior, samples.prior)
        if isinstance(samples.prior, GaussianMixture):
            likely = samples.prior.log_prob(samples.latent)
            assert bool(jnp.all(likely > samples.prior.log_prob(samples.latent + 10)))
            return
        noise = (samples.latent - samples.prior.mean) / jnp.exp(samples.prior.log_scale)
        expected = jax.jit(jax.vmap(lambda t: jax.random.normal(jax.random.fold_in(key, t), (3,))))(jnp.arange(6))
        np.testing.assert_allclose(noise, expected, rtol=1e-3, atol=1e-4)

    def test_nothing_filtered_is_pure_sampling(self, model, frames, key):
        nothing = filtered(model, frames[:0], key=key)
        same(generated(model, 6, state=nothing.state, key=key), generated(model, 6, key=key))

    def test_what_was_filtered_matters(self, model, frames, key):
        other = filtered(model, 1 - frames, key=key).state
        given = filtered(model, frames, key=key).state
        a, b = (means(generated(model, 6, state=s, key=key)) for s in (given, other))
        assert not np.array_equal(a, b)


def test_kl_is_zero_where_the_posterior_is_the_prior(key, frames):
    """An untouched residual posterior costs exactly nothing."""
    model = gtmm(FRAME, introspection(), key=key, **SIZES)
    zero = eqx.tree_at(lambda m: m.posterior.network.output.weight, model, replace_fn=jnp.zeros_like)
    seen = filtered(zero, frames, key=key)
    np.testing.assert_allclose(seen.posterior.kl(seen.prior), jnp.zeros(8), atol=1e-9)


def test_conditions_matter_and_are_checked(frames, key):
    model = gtmm(FRAME, introspection(), condition_size=2, key=key, **SIZES)
    actions = jnp.ones((8, 2))
    with_ones = means(filtered(model, frames, condition=actions, key=key))
    assert not np.array_equal(with_ones, means(filtered(model, frames, condition=-actions, key=key)))
    with pytest.raises(ValueError, match="built for 2 per step, got none"):
        filtered(model, frames, key=key)
    plain = gtmm(FRAME, introspection(), key=key, **SIZES)
    with pytest.raises(ValueError, match="built for none, got 2 per step"):
        filtered(plain, frames, condition=actions, key=key)


class TestFeedback:
    def test_the_controller_sees_what_was_last_read(self, key):
        model = gtmm(FRAME, dnc, key=key, **SIZES)
        assert len(model.controller.weight) == 3 + 2 * 6 + 5
        state = model.init()
        other = state._replace(memory=state.memory._replace(reads=jnp.ones((2, 6))))
        a, b = (generated(model, 1, state=s, key=key).context[0, -5:] for s in (state, other))
        assert not np.array_equal(a, b)

    def test_a_memory_without_feedback_leaves_the_controller_as_it_was(self, key):
        model = gtmm(FRAME, introspection(), key=key, **SIZES)
        assert len(model.controller.weight) == 3 + 5
