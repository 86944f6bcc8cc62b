"""What every sequence must do: `conforms` is called for each kind, here and where tasks make them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from vestige.sequences import Window, at


def on_host(window: Window) -> Window:
    """Keys as their data."""
    bare = lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
    return jax.tree.map(lambda leaf: np.asarray(bare(leaf)), window)


def same_where_inside(one: Window, other: Window) -> None:
    one, other = on_host(one), on_host(other)
    np.testing.assert_array_equal(one.inside, other.inside)
    np.testing.assert_array_equal(one.known, other.known)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[one.inside], b[other.inside]), one.inputs, other.inputs)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[one.known], b[other.known]), one.outcomes, other.outcomes)


@functools.partial(jax.jit, static_argnums=2)
def compiled(sequence, start, size):
    return sequence.window(start, size)


compiled_at = jax.jit(at, static_argnums=2)


def conforms(sequence) -> None:
    """Windows agree wherever they overlap, end where the sequence ends, and come out the same again."""
    window = lambda start, size: on_host(compiled(sequence, jnp.asarray(np.int32(start)), size))
    cut = lambda tree, start, size: jax.tree.map(lambda leaf: leaf[start : start + size], tree)
    length = int(sequence.length)
    whole = window(0, length)
    assert whole.inside.all() and not (whole.known & ~whole.inside).any() and whole.known.any()
    for start, size in ((0, 1), (length - 1, 1), (length // 3, 3), (1, length)):
        seen, left = window(start, size), min(size, length - start)
        same_where_inside(cut(seen, 0, left), cut(whole, start, left))
        assert not seen.inside[left:].any() and not seen.known[left:].any()
    beyond = window(-2, length + 5)
    np.testing.assert_array_equal(beyond.inside, [False] * 2 + [True] * length + [False] * 3)
    same_where_inside(cut(beyond, 2, length), whole)
    same_where_inside(window(0, length), whole)
    picked = on_host(compiled_at(sequence, jnp.asarray(np.array([0, length - 1], np.int32)), 3))
    assert picked.inside.shape == (2, 3)
    np.testing.assert_array_equal(picked.inside[0], [False, False, True])
    same_where_inside(jax.tree.map(lambda leaf: leaf[1], picked), window(length - 3, 3))
