"""A generative temporal model as a long-term memory, against the model itself."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.tasks.frame_tasks import TEST, TRAIN
from vestige.memory import DNC
from vestige.models.longterm import Now, Recent, Token, Vector, generative_memory
from vestige.models.temporal import gtmm
from vestige.sequences import ContextWindow
from vestige.tasks.longterm import GapRecall

TASK = GapRecall(TRAIN, TEST, num_images=3, gap=4)
SHAPE = TRAIN.frame_shape
PIXELS = SHAPE[0] * SHAPE[1]


@functools.cache
def made():
    return drawn(built)


def built(key):
    inner = gtmm(
        SHAPE,
        lambda latent, controller, *, key: DNC(latent, controller, slots=4, word_size=6, heads=1, key=key),
        latent_size=4,
        controller_size=12,
        width=16,
        condition_size=TASK.condition_size,
        key=key,
    )
    return generative_memory(inner, SHAPE, TASK.condition_size, width=16, key=key)


@pytest.fixture
def model():
    return made()


@pytest.fixture
def window(key):
    return jax.jit(lambda key: TASK.sequence(key=key).window(jnp.array(0), 10))(key)


@eqx.filter_jit
def encoded(model, inputs, mask=None):
    return model.encode(model.init(), inputs, mask)


@eqx.filter_jit
def filtered(model, frame, condition, state, key):
    """One frame."""
    return model.model.filter(frame[None], condition=condition[None], state=state, key=key)


def close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), one, other)


@pytest.mark.slow
def test_the_memory_at_a_step_has_filtered_the_frames_before_it(model, window):
    memories = jax.device_get(encoded(model, window.inputs)[1])
    close(jax.tree.map(lambda leaf: leaf[0], memories), model.init())
    state = model.init()
    for step in range(1, 5):
        key = jax.random.fold_in(window.inputs.noise[step], 0)
        frame, given = np.asarray(window.outcomes)[step - 1], np.asarray(window.inputs.condition)[step - 1]
        state = filtered(model, frame, given, state, key).state
        close(jax.tree.map(lambda leaf, step=step: leaf[step], memories), state)


@pytest.mark.slow
def test_surprise_is_the_negative_bound_of_one_frame(model, window):
    state, _ = encoded(model, window.inputs)
    seen, frame = jax.tree.map(lambda leaf: leaf[9], (window.inputs, window.outcomes))
    taken = filtered(model, frame, seen.condition, state, jax.random.fold_in(seen.noise, 1))
    found, cost = eqx.filter_jit(lambda model: model.described(state, seen, frame))(model)
    (mean, scale), (other, wider) = ((d.mean[0], jnp.exp(d.log_scale[0])) for d in (taken.posterior, taken.prior))
    terms = jnp.log(wider / scale) + (scale**2 + (mean - other) ** 2) / (2 * wider**2) - 0.5
    close(found, jnp.sum(terms))
    logits = taken.frame_parameters[0]
    close(cost, -jnp.sum(frame * jax.nn.log_sigmoid(logits) + (1 - frame) * jax.nn.log_sigmoid(-logits)))
    close(eqx.filter_jit(lambda model: model.surprise(state, seen, frame))(model), found + cost)


@pytest.mark.slow
def test_it_sees_neither_the_frame_itself_nor_later_ones(model, window):
    def answer(frames):
        inputs = eqx.tree_at(lambda seen: seen.frame, window.inputs, frames)
        _, memories = model.encode(model.init(), inputs)
        return model.model.filter(
            window.outcomes[3][None],
            condition=window.inputs.condition[3][None],
            state=jax.tree.map(lambda leaf: leaf[3], memories),
            key=jax.random.key(0),
        ).prior.mean.sum()

    slopes = np.abs(jax.jit(jax.grad(answer))(window.inputs.frame)).sum(axis=(1, 2))
    assert (slopes[1:4] > 0).all()  # inputs.frame[t] is frame t - 1; the first means nothing
    np.testing.assert_array_equal(np.delete(slopes, [1, 2, 3]), 0)


@pytest.mark.slow
def test_padding_changes_nothing(model, window):
    state, memories = encoded(model, window.inputs, jnp.arange(10) < 6)
    first = jax.tree.map(lambda leaf: leaf[:6], window.inputs)
    short, fewer = encoded(model, first)
    close(state, short)
    close(jax.tree.map(lambda leaf: leaf[:6], memories), fewer)


def test_the_detector_sees_what_is_given_alone(model, window):
    predictions = eqx.filter_jit(model.detector)(window.inputs, window.inside)
    assert predictions.shape == (10, PIXELS)
    np.testing.assert_array_equal(predictions[3], predictions[5])  # two blanks of the gap
    assert np.abs(predictions[0] - predictions[7]).max() > 1e-3
    loss = model.outcome.loss(jnp.zeros(PIXELS), window.outcomes[0])
    assert float(loss) == pytest.approx(PIXELS * np.log(2), rel=1e-5)
    with pytest.raises(ValueError, match="Score steps by surprise"):
        model.outcome.uncertainty(jnp.zeros(PIXELS))


def test_inputs_with_nearby_steps_are_read_in_two_ways(key):
    token = Token(6, 3, key=key)
    seen = ContextWindow(jnp.array(4), jnp.array([5, 2, 4]), jnp.array([False, True, True]))
    close(Now(token)(seen), token(jnp.array(4)))
    recent = Recent(token, 3, 8, key=key)
    assert recent(seen).shape == (8,) and Now(token).features_size == 3
    other = ContextWindow(jnp.array(4), jnp.array([0, 2, 4]), jnp.array([False, True, True]))
    np.testing.assert_array_equal(recent(seen), recent(other))  # what lies before the first step is not seen
    moved = ContextWindow(jnp.array(4), jnp.array([5, 1, 4]), jnp.array([False, True, True]))
    assert np.abs(recent(seen) - recent(moved)).max() > 1e-4
    assert Recent(Vector(2, 3, key=key), 2, 5, key=key).features_size == 5
