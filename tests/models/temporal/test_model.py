"""What holds for every generative temporal model, whatever its memory and pattern."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.temporal import elbo, gtmm
from vestige.numerics import GaussianMixture
from vestige.typing import Batch

from .conftest import FRAME, MODELS, SIZES, introspection, made

assert_equal = np.testing.assert_array_equal
STEPS = 8


# Each is one program a model: what differs from test to test are arrays of the same shapes.


@eqx.filter_jit
def _filtered(model, frames, mask, reset, state, key):
    return model.filter(frames, mask=mask, reset=reset, state=state, key=key)


def filtered(model, frames, *, mask=None, reset=None, state=None, key):
    """Of eight frames, or of fewer with padding behind them."""
    given = len(frames)
    mask = np.ones(given, bool) if mask is None else mask
    mask, frames = np.pad(mask, (0, STEPS - given)), np.pad(frames, [(0, STEPS - given), (0, 0), (0, 0)])
    reset = np.zeros(STEPS, bool) if reset is None else reset
    return jax.device_get(_filtered(model, frames, mask, reset, first_state(model) if state is None else state, key))


@eqx.filter_jit
def first_state(model):
    return model.init()


@eqx.filter_jit
def _generated(model, state, key):
    return model.generate(6, state=state, key=key)


def generated(model, key, state=None):
    return jax.device_get(_generated(model, first_state(model) if state is None else state, key))


@eqx.filter_jit
def _slopes(model, frames, mask, step, key):
    def wanted(parts):
        model, frames = parts
        bound, metrics = elbo(model, Batch(frames, mask=mask), key=key)
        return bound if step is None else jnp.where(step < 0, bound, metrics["kl_per_frame"][step])

    return eqx.filter_value_and_grad(wanted)((model, frames))


def slopes(model, frames, mask, key, step=-1):
    """The bound, or the KL of one step, and its gradients for the model and the frames."""
    value, gradients = _slopes(model, frames, mask, None if step is None else np.int32(step), key)
    return jax.device_get((value, *gradients))


def same(a, b):
    jax.tree.map(assert_equal, a, b)


def other_at(frames, step):
    changed = np.arange(STEPS) == step
    return np.where(changed[:, None, None], 1 - frames, frames)


def means(seen):
    """Of the prior, of all its components if there are several."""
    return getattr(seen.prior, "components", seen.prior).mean


def head(tree, n):
    return jax.tree.map(lambda leaf: leaf[:n], tree)


@pytest.mark.few(3)
def test_shapes(model, frames, key):
    seen = filtered(model, frames, key=key)
    assert seen.latent.shape == (8, 3)
    assert seen.frame_parameters.shape == (8, *FRAME)
    assert seen.context.shape == (8, model.memory.context_size)


class TestCausality:
    AT = 4

    def test_the_past_does_not_see_the_present(self, model, frames, key):
        before = filtered(model, frames, key=key)
        after = filtered(model, other_at(frames, self.AT), key=key)
        same(head(before.prior, self.AT + 1), head(after.prior, self.AT + 1))
        same(before.context[: self.AT + 1], after.context[: self.AT + 1])
        same(head(before.posterior, self.AT), head(after.posterior, self.AT))
        same(before.frame_parameters[: self.AT], after.frame_parameters[: self.AT])

    def test_the_future_does(self, model, frames, key):
        before = filtered(model, frames, key=key)
        after = filtered(model, other_at(frames, self.AT), key=key)
        assert not np.array_equal(before.posterior.mean[self.AT], after.posterior.mean[self.AT])
        assert not np.array_equal(*(means(seen)[self.AT + 1] for seen in (before, after)))

    @pytest.mark.few(1)
    def test_no_gradient_of_an_earlier_kl(self, model, frames, key):
        _, _, gradient = slopes(model, frames, np.ones(STEPS, bool), key, step=3)
        assert_equal(gradient[4:], np.zeros_like(gradient[4:]))
        assert np.max(np.abs(gradient[:4])) > 0


class TestMask:
    MASK = np.array([True] * 5 + [False] * 3)

    @pytest.mark.few(1)
    def test_garbage_in_the_padding_changes_nothing(self, model, frames, key):
        clean = slopes(model, frames, self.MASK, key)
        dirty = slopes(model, np.where(self.MASK[:, None, None], frames, np.float32(np.nan)), self.MASK, key)
        same(jax.tree.leaves(clean), jax.tree.leaves(dirty))

    @pytest.mark.few(1)
    def test_padding_is_the_shorter_sequence(self, model, frames, key):
        *padded, to_frames = slopes(model, frames, self.MASK, key)
        *short, to_short_frames = slopes(model, frames[:5], None, key, step=None)
        for a, b in zip(*map(jax.tree.leaves, ([*padded, to_frames[:5]], [*short, to_short_frames])), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)

    def test_a_hole_in_the_middle_is_as_if_it_were_not_there(self, model, frames, key):
        mask = np.array([True, True, False, True, False, False, True, True])
        holed = filtered(model, frames, mask=mask, key=key)
        joined = filtered(model, frames[mask], key=key)
        np.testing.assert_allclose(holed.latent[mask], joined.latent[:5], rtol=1e-5, atol=1e-6)

    @pytest.mark.few(2)
    def test_all_masked_is_zero_with_zero_gradient(self, model, frames, key):
        value, *gradients = slopes(model, frames * np.float32(np.nan), np.zeros(STEPS, bool), key)
        assert value == 0
        for leaf in jax.tree.leaves(gradients):
            assert_equal(leaf, np.zeros_like(leaf))


def test_reset_in_the_middle_starts_anew(model, frames, key):
    packed = filtered(model, frames, reset=np.arange(STEPS) == 3, key=key)
    later = filtered(model, frames[3:], state=first_state(model)._replace(step=jnp.asarray(3, jnp.int32)), key=key)
    np.testing.assert_allclose(packed.latent[3:], later.latent[:5], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(means(packed)[3:], means(later)[:5], rtol=1e-5, atol=1e-6)


def test_two_parts_are_the_whole(model, frames, key):
    whole = filtered(model, frames, key=key)
    first = filtered(model, frames[:3], key=key)
    second = filtered(model, frames[3:], state=first.state, key=key)
    np.testing.assert_allclose(whole.latent[3:], second.latent[:5], rtol=1e-5, atol=1e-6)
    assert int(second.state.step) == STEPS


@eqx.filter_jit
def latents_of_rows(model, batch, keys):
    return jax.vmap(lambda x, k: model.filter(x, key=k).latent)(batch, keys)


@pytest.mark.few(2)
def test_a_row_does_not_see_the_others_of_its_batch(model, key):
    batch = np.asarray(jax.random.bernoulli(key, 0.5, (4, STEPS, *FRAME)), np.float32)
    keys = jax.random.split(key, 4)
    found = latents_of_rows(model, batch, keys)[2]
    others = latents_of_rows(model, np.where(np.arange(4)[:, None, None, None] == 2, batch, 1 - batch), keys)[2]
    np.testing.assert_allclose(found, others, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, filtered(model, batch[2], key=keys[2]).latent, rtol=1e-5, atol=1e-6)


@jax.jit
def log_probs(prior, latents):
    return jax.vmap(prior.log_prob)(latents)


@jax.jit
def noise_of_steps(key):
    return jax.vmap(lambda t: jax.random.normal(jax.random.fold_in(key, t), (3,)))(jnp.arange(6))


class TestGeneration:
    @pytest.mark.few(2)
    def test_repeatable_and_varied(self, model, key):
        one = generated(model, key=key)
        same(one.latent, generated(model, key=key).latent)
        assert not np.array_equal(one.latent, generated(model, key=jax.random.fold_in(key, 1)).latent)

    def test_latents_come_from_the_prior(self, model, key):
        samples = generated(model, key=key)
        same(samples.posterior, samples.prior)
        if isinstance(samples.prior, GaussianMixture):
            likely, less = log_probs(samples.prior, np.stack([samples.latent, samples.latent + 10]))
            assert np.all(likely > less)
            return
        noise = (samples.latent - samples.prior.mean) / np.exp(samples.prior.log_scale)
        expected = noise_of_steps(key)
        np.testing.assert_allclose(noise, expected, rtol=1e-3, atol=1e-4)

    def test_nothing_filtered_is_pure_sampling(self, model, frames, key):
        nothing = filtered(model, frames[:0], key=key)
        same(generated(model, state=nothing.state, key=key), generated(model, key=key))

    def test_what_was_filtered_matters(self, model, frames, key):
        other = filtered(model, 1 - frames, key=key).state
        given = filtered(model, frames, key=key).state
        a, b = (means(generated(model, state=s, key=key)) for s in (given, other))
        assert not np.array_equal(a, b)


def test_nothing_at_all_leaves_the_first_state():
    nothing = eqx.filter_jit(lambda model, key: model.filter(jnp.zeros((0, *FRAME)), key=key).state)
    model = made("introspection")
    same(nothing(model, jax.random.key(0)), first_state(model))


def test_kl_is_zero_where_the_posterior_is_the_prior(key, frames):
    """An untouched residual posterior costs exactly nothing."""
    output = lambda model: model.posterior.network.output
    first = eqx.filter_jit(lambda key: output(MODELS["introspection"](key)).bias)(key)
    weight = jnp.zeros((first.size, SIZES["width"]))
    zero = eqx.tree_at(lambda m: (output(m).weight, output(m).bias), made("introspection"), (weight, first))
    seen = filtered(zero, frames, key=key)
    np.testing.assert_allclose(jax.jit(lambda q, p: q.kl(p))(seen.posterior, seen.prior), np.zeros(STEPS), atol=1e-9)


def test_conditions_matter_and_are_checked(frames, key):
    @eqx.filter_jit
    def followed(model, condition):
        return model.filter(frames, condition=condition, key=key)

    model = drawn(lambda key: gtmm(FRAME, introspection(), condition_size=2, key=key, **SIZES))
    actions = np.ones((STEPS, 2), np.float32)
    assert not np.array_equal(means(followed(model, actions)), means(followed(model, -actions)))
    with pytest.raises(ValueError, match="built for 2 per step, got none"):
        followed(model, None)
    with pytest.raises(ValueError, match="built for none, got 2 per step"):
        followed(made("introspection"), actions)


class TestFeedback:
    def test_the_controller_sees_what_was_last_read(self, key):
        model = made("dnc")
        assert len(model.controller.weight) == 3 + 2 * 6 + 5
        state = first_state(model)
        other = state._replace(memory=state.memory._replace(reads=jnp.ones((2, 6))))
        a, b = (generated(model, state=s, key=key).context[0, -5:] for s in (state, other))
        assert not np.array_equal(a, b)

    def test_a_memory_without_feedback_leaves_the_controller_as_it_was(self):
        assert len(made("introspection").controller.weight) == 3 + 5
