"""Sequences whose steps show the last few as well."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.sequences.conformance import conforms
from vestige.sequences import ArraySequence, ContextWindowSequence

INNER = ArraySequence(jnp.arange(10.0, 17.0), jnp.arange(7), jnp.array(6), jnp.arange(7) % 2 == 0)


@pytest.mark.parametrize("width", [1, 3, 9])
def test_the_last_of_the_recent_steps_is_the_step(width):
    sequence = ContextWindowSequence(INNER, width)
    window = sequence.window(jnp.array(0), 6)
    assert window.inputs.recent.shape == (6, width)
    np.testing.assert_array_equal(window.inputs.recent[:, -1], window.inputs.now)
    np.testing.assert_array_equal(window.inputs.inside.sum(axis=1), np.minimum(np.arange(1, 7), width))
    if width == 1:  # of wider ones, what lies before the first step means nothing and differs from window to window
        conforms(sequence)


def test_golden():
    window = ContextWindowSequence(INNER, 3).window(jnp.array(1), 2)
    np.testing.assert_array_equal(window.inputs.now, [11.0, 12.0])
    np.testing.assert_array_equal(window.inputs.inside, [[False, True, True], [True, True, True]])
    np.testing.assert_array_equal(window.inputs.recent[1], [10.0, 11.0, 12.0])
    np.testing.assert_array_equal(window.outcomes, [1, 2])
    np.testing.assert_array_equal(window.known, [False, True])


def test_a_window_from_anywhere_shows_the_same():
    sequence = ContextWindowSequence(INNER, 3)
    whole = sequence.window(jnp.array(0), 6)
    for start in range(6):
        part = sequence.window(jnp.array(start), 6 - start)
        where = np.asarray(part.inputs.inside)
        np.testing.assert_array_equal(where, whole.inputs.inside[start:])
        np.testing.assert_array_equal(
            np.asarray(part.inputs.recent)[where], np.asarray(whole.inputs.recent)[start:][where]
        )


def test_a_batch_is_mapped():
    batch = jax.jit(
        jax.vmap(lambda length: ContextWindowSequence(ArraySequence(INNER.inputs, INNER.outcomes, length), 2))
    )(jnp.array([3, 5]))
    inside = jax.jit(jax.vmap(lambda s: s.window(jnp.array(2), 3).inside))(batch)
    np.testing.assert_array_equal(inside, [[True, False, False], [True, True, True]])


def test_no_width_is_refused():
    with pytest.raises(ValueError, match="at least 1; got 0"):
        ContextWindowSequence(INNER, 0)
