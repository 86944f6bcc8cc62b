"""Sequences in memory: nothing is read beyond what they hold."""

import jax
import jax.numpy as jnp
import pytest

from vestige.sequences import ArraySequence


def steps(count):
    return jnp.array(count, jnp.int32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ArraySequence(jnp.ones((5, 2)), jnp.ones(5), steps(6)),
            "length must be at most the 5 steps .*, got 6",
        ),
        (lambda: ArraySequence(jnp.ones((5, 2)), jnp.ones(5), steps(-1)), "at most the 5 steps .*, got -1"),
        (lambda: ArraySequence(jnp.ones((5, 2)), jnp.ones(4), steps(4)), "must have as many steps, got 4 and 5"),
        (lambda: ArraySequence(jnp.ones(5), jnp.ones(5), steps(4), jnp.ones(4, bool)), "got 4 and 5"),
        (lambda: ArraySequence(jnp.ones(5), jnp.ones(()), steps(4)), "must have a time axis"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_many_at_once_and_traced_lengths():
    many = jax.vmap(lambda n: ArraySequence(jnp.ones((5, 2)), jnp.ones(5), n))(jnp.arange(3))
    assert many.inputs.shape == (3, 5, 2)
    assert jax.vmap(lambda s: s.window(steps(1), 3))(many).inside.sum() == 1
