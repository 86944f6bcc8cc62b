"""What every sequence must do: `conforms` is called for each kind, here and where tasks make them."""

import jax
import jax.numpy as jnp
import numpy as np

from vestige.sequences import Window, at


def same_where_inside(one: Window, other: Window) -> None:
    np.testing.assert_array_equal(one.inside, other.inside)
    np.testing.assert_array_equal(one.known, other.known)
    bare = lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
    keep = lambda leaf, known: np.asarray(bare(leaf))[np.asarray(known)]
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(keep(a, one.inside), keep(b, other.inside)), one.inputs, other.inputs
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(keep(a, one.known), keep(b, other.known)),
        one.outcomes,
        other.outcomes,
    )


def conforms(sequence) -> None:
    """Windows agree wherever they overlap, end where the sequence ends, and come out the same again."""
    window = jax.jit(lambda s, start, size: s.window(start, size), static_argnums=2)
    length = int(sequence.length)
    whole = window(sequence, jnp.array(0), length)
    assert bool(whole.inside.all()) and not bool((whole.known & ~whole.inside).any()) and bool(whole.known.any())
    cut = lambda tree, start, size: jax.tree.map(lambda leaf: leaf[start : start + size], tree)
    for start, size in ((0, 1), (length - 1, 1), (length // 3, min(5, length - length // 3)), (1, length - 1)):
        same_where_inside(window(sequence, jnp.array(start), size), cut(whole, start, size))
    beyond = window(sequence, jnp.array(-2), length + 5)
    np.testing.assert_array_equal(beyond.inside, [False] * 2 + [True] * length + [False] * 3)
    same_where_inside(cut(beyond, 2, length), whole)
    same_where_inside(window(sequence, jnp.array(0), length), whole)
    picked = at(sequence, jnp.array([0, length - 1]), 3)
    assert picked.inside.shape == (2, 3)
    np.testing.assert_array_equal(picked.inside[0], [False, False, True])
    same_where_inside(jax.tree.map(lambda leaf: leaf[1], picked), window(sequence, jnp.array(length - 3), 3))
