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


@functools.partial(jax.jit, static_argnums=2)
def ending(sequence, ends, size):
    return at(sequence, ends, size)


def looked_at(sequence, steps):
    """Windows that overlap, that end where the sequence ends, that begin before it and go on behind it: one program for
    each size."""
    length = int(sequence.length)
    places = {
        "whole": (0, steps),
        "later": (1, steps),
        "first": (0, 1),
        "last": (length - 1, 1),
        "middle": (length // 3, 3),
        "end": (length - 3, 3),
        "around": (-2, steps + 5),
    }
    windows = {name: compiled(sequence, np.int32(start), size) for name, (start, size) in places.items()}
    return windows, ending(sequence, np.array([0, length - 1], np.int32), 3)


def conforms(sequence, steps: int | None = None) -> None:
    """Windows agree wherever they overlap, end where the sequence ends, and come out the same again.

    `steps` is the length of the longest window: that of the sequence, or more, so that sequences share a program.
    """
    length = int(sequence.length)
    steps = length if steps is None else steps
    seen, picked = jax.tree.map(on_host, looked_at(sequence, steps), is_leaf=lambda x: isinstance(x, Window))
    cut = lambda window, start, size: jax.tree.map(lambda leaf: leaf[start : start + size], window)
    whole = seen["whole"]
    np.testing.assert_array_equal(whole.inside, np.arange(steps) < length)
    assert not (whole.known & ~whole.inside).any() and whole.known.any()
    for name, start in (("first", 0), ("last", length - 1), ("middle", length // 3), ("later", 1)):
        window, left = seen[name], length - start
        same_where_inside(cut(window, 0, left), cut(whole, start, min(len(window.inside), left)))
        assert not window.inside[left:].any() and not window.known[left:].any()
    around = seen["around"]
    np.testing.assert_array_equal(around.inside, [False] * 2 + [True] * length + [False] * (steps - length + 3))
    same_where_inside(cut(around, 2, steps), whole)
    same_where_inside(compiled(sequence, np.int32(0), steps), whole)
    assert picked.inside.shape == (2, 3)
    np.testing.assert_array_equal(picked.inside[0], [False, False, True])
    same_where_inside(jax.tree.map(lambda leaf: leaf[1], picked), seen["end"])
