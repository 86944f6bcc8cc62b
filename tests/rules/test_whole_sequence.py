"""Back-propagation through whole sequences: what the cheaper rules are measured against."""

import equinox as eqx
import jax
import numpy as np
import pytest

from tests.rules.longterm import cues, number_model, numbers, token_model
from vestige.models.longterm import WholeSequence
from vestige.rules import Gradient, Truncated


def gradient(rule, model, batch, key):
    return eqx.filter_jit(rule.step)(model, rule.init(model, batch, key=key), batch, key=key)


def close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), one, other)


@pytest.mark.parametrize("segment", [1, 4, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 11))])
@pytest.mark.few(1)
def test_segments_change_nothing(segment, key):
    model, batch = number_model(key=key), numbers([11, 7, 9], key=jax.random.key(1))
    whole = gradient(Gradient(WholeSequence(11), clip=None), model, batch, key)
    parts = gradient(Gradient(WholeSequence(11, segment), clip=None), model, batch, key)
    close(parts.grads, whole.grads)
    np.testing.assert_allclose(parts.metrics["loss"], whole.metrics["loss"], rtol=1e-5)


def test_one_rollout_over_everything_is_the_same(key):
    model, batch = number_model(key=key), numbers([11, 7, 9], key=jax.random.key(1))
    close(
        gradient(Truncated(11, clip=None), model, batch, key).grads,
        gradient(Gradient(WholeSequence(11), clip=None), model, batch, key).grads,
    )


@pytest.mark.slow
def test_segments_store_less(key):
    model, batch = token_model(key=key), cues(8, 400, key=key)

    def stored(objective):
        rule = Gradient(objective)
        compiled = eqx.filter_jit(rule.step).lower(model, None, batch, key=key).compile()
        return compiled.compiled.memory_analysis().temp_size_in_bytes

    assert stored(WholeSequence(400, 20)) < 0.4 * stored(WholeSequence(400))
    assert stored(WholeSequence(400)) > 3 * stored(WholeSequence(100))


@pytest.mark.parametrize(("steps", "segment"), [(0, None), (5, 0), (5, 6)])
def test_what_cannot_be_is_refused(steps, segment):
    with pytest.raises(ValueError, match="must be"):
        WholeSequence(steps, segment)
