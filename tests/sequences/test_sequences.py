"""Sequences in memory."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.sequences.conformance import conforms
from vestige.sequences import ArraySequence


def test_arrays(key):
    inputs = {"token": jnp.arange(9), "value": jax.random.normal(key, (9, 2))}
    conforms(ArraySequence(inputs, jnp.arange(9.0), jnp.array(7)))
    known = jnp.arange(9) % 3 == 1
    sequence = ArraySequence(inputs, jnp.arange(9.0), jnp.array(7), known)
    conforms(sequence)
    np.testing.assert_array_equal(sequence.window(jnp.array(3), 5).known, [False, True, False, False, False])
