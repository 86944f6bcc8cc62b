"""Memory, predictor, detector: what each may see."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from tests.drawn import drawn
from tests.rules.longterm import number_model, token_model
from vestige.models.longterm import Classes, Detector, Number, NumberWithScale, Vector


def test_the_losses_are_what_they_say():
    logits = jnp.log(jnp.array([0.5, 0.25, 0.25]))
    np.testing.assert_allclose(Classes(3).loss(logits, jnp.array(1)), np.log(4), rtol=1e-6)
    np.testing.assert_allclose(Classes(3).uncertainty(logits), 0.5 * np.log(2) + 0.5 * np.log(4), rtol=1e-6)
    np.testing.assert_allclose(Classes(3).uncertainty(jnp.array([1e4, 0.0, -1e4])), 0.0)
    np.testing.assert_allclose(Number().loss(jnp.array([3.0]), jnp.array(1.0)), 4.0)
    with pytest.raises(ValueError, match="a mean has no entropy"):
        Number().uncertainty(jnp.array([3.0]))


@pytest.mark.parametrize("prediction", [[0.3, -2.0], [-4.0, 1.5], [2.0, -200.0]])
def test_a_number_with_a_scale_is_normal(prediction):
    outcome, mean = NumberWithScale(least=0.2), prediction[0]
    law = scipy.stats.norm(mean, 0.2 + np.log1p(np.exp(prediction[1])))
    for y in (-1.0, 0.25, 7.0):
        found = outcome.loss(jnp.array(prediction), jnp.array(y))
        np.testing.assert_allclose(found, -law.logpdf(y), rtol=1e-5)
    np.testing.assert_allclose(outcome.uncertainty(jnp.array(prediction)), law.entropy(), rtol=1e-5)
    far = jax.jit(jax.value_and_grad(outcome.loss))(jnp.array(prediction), jnp.array(1e6))
    assert np.isfinite(far[0]) and np.all(np.isfinite(far[1]))
    assert np.isnan(jax.jit(outcome.loss)(jnp.array(prediction), jnp.array(np.nan)))


def test_a_scale_is_positive():
    with pytest.raises(ValueError, match="least must be positive, got 0"):
        NumberWithScale(least=0.0)
    with pytest.raises(ValueError, match="NumberWithScale.loss: an outcome must be finite, got inf"):
        NumberWithScale().loss(jnp.zeros(2), jnp.array(np.inf))


@pytest.mark.parametrize("context", [1, 3])
def test_a_detector_sees_its_context_and_no_more(context, key):
    layer = drawn(lambda key: Detector(Vector(2, 32, key=key), 1, context=context, key=key))
    detector = eqx.filter_jit(layer)
    inputs = jax.random.normal(key, (9, 2))
    inside = jnp.ones(9, bool)
    out = detector(inputs, inside)
    assert out.shape == (9 - context + 1, 1)
    slopes = jax.jit(jax.grad(lambda x: layer(x, inside)[4, 0]))(inputs)
    seen = np.flatnonzero(np.abs(np.asarray(slopes)).sum(axis=1))
    assert seen.tolist() == list(range(4, 4 + context))
    np.testing.assert_allclose(detector(inputs[2:7], inside[2:7]), out[2 : 2 + 5 - context + 1], rtol=1e-5, atol=1e-6)
    wild = inputs.at[0].set(1e9)
    outside = inside.at[0].set(False)
    np.testing.assert_array_equal(detector(wild, outside), detector(inputs, outside))


def test_a_detector_without_the_step_itself_is_refused(key):
    with pytest.raises(ValueError, match="at least 1; got 0"):
        Detector(Vector(2, 4, key=key), 1, context=0, key=key)


def test_the_predictor_hears_the_memory_and_the_question(key):
    model = number_model(key=key)
    memory, x = jax.random.normal(key, (6,)), jnp.array([0.3, -0.2])
    by_memory, by_question = jax.jit(jax.grad(lambda m, x: model.predict(m, x)[0], argnums=(0, 1)))(memory, x)
    assert np.abs(by_memory).sum() > 1e-3 and np.abs(by_question).sum() > 1e-3
    np.testing.assert_allclose(
        model.surprise(memory, x, jnp.array(2.0)), (model.predict(memory, x)[0] - 2) ** 2, rtol=1e-5
    )


def test_remembering_in_parts_is_remembering(key):
    model = drawn(lambda key: token_model(key=key))
    encode = eqx.filter_jit(model.encode)
    tokens = jax.random.randint(key, (10,), 0, 6)
    end, memories = encode(model.init(), tokens)
    middle, first = encode(model.init(), tokens[:6], jnp.arange(6) < 4)
    rest, second = encode(middle, tokens[4:])
    np.testing.assert_allclose(jnp.concatenate([first[:4], second]), memories, rtol=1e-5, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), rest, end)
