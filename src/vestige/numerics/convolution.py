"""Convolutions as products of matrices, which a CPU computes as well inside a compiled loop as outside."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def convolve(
    x: Float[Array, "*places channels"],
    kernel: Float[Array, "out inputs *window"],
    *,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    spread: int = 1,
) -> Float[Array, "*positions out"]:
    """The convolution of deep learning (a cross-correlation: the kernel is not flipped), over any number of axes.

    It is a sum of products: the last axis is cut into windows that lie side by side, one product for each place of
    the window in the other axes. XLA's own convolution, in a loop that is compiled for a CPU, is not handed to the
    library that makes it fast: it takes some forty times as long there. Its operands may differ in precision, which
    is promoted as in any product.

    Cost: `positions out channels window` products; temporary memory of `window[-1]` times that of `x`, which
    differentiation makes again instead of keeping.

    **Arguments:**

    - `x`: channels last.
    - `kernel`: outputs first, as Equinox and PyTorch store it.
    - `stride`: places from one position of the window to the next.
    - `padding`: zeros before and after each axis; a negative number cuts places off.
    - `spread`: distance between neighbours of `x` once zeros are put in between: the stride of a transposed
      convolution.

    **Returns:** channels last; along each axis `(spread (places - 1) + 1 + sum(padding) - window) // stride + 1`.

    **Raises:** `ValueError` where kernel and `x` differ in channels or axes, or the window is larger than what it is
    moved over.
    """
    window, axes = kernel.shape[2:], x.ndim - 1
    if len(window) != axes or axes < 1 or kernel.shape[1] != x.shape[-1]:
        raise ValueError(
            "convolve: the kernel must be (out, channels, *window) with an axis of the window for each place of x "
            f"(*places, channels), got kernel {kernel.shape} and x {x.shape}"
        )
    reach = [spread * (places - 1) + 1 + sum(padding) for places in x.shape[:-1]]
    if any(places < side for places, side in zip(reach, window, strict=True)):
        raise ValueError(f"convolve: a window of {window} does not fit into {tuple(reach)} places, padding included")
    if spread > 1 or any(padding):
        x = jax.lax.pad(x, jnp.zeros((), x.dtype), [(*padding, spread - 1)] * axes + [(0, 0, 0)])
    sizes = tuple((places - side) // stride + 1 for places, side in zip(x.shape[:-1], window, strict=True))
    if math.prod(window) == 1 and stride == 1:
        return _product(x, kernel.reshape(kernel.shape[0], -1))
    return jax.checkpoint(_summed, static_argnums=(2, 3))(x, kernel, sizes, stride)


def _summed(x: Array, kernel: Array, sizes: tuple[int, ...], stride: int) -> Array:
    """The sum over the places of the window in all axes but the last."""
    *others, last = kernel.shape[2:]
    beside = [_every(x, -2, start, sizes[-1], stride) for start in range(last)]
    unfolded = jnp.concatenate(beside, axis=-1)  # (*places, size of the last axis, last channels)
    rows = jnp.moveaxis(kernel, 1, -1).reshape(kernel.shape[0], math.prod(others), -1)
    total = None
    for place in range(math.prod(others)):
        seen, rest = unfolded, place
        for axis in reversed(range(len(others))):
            rest, start = divmod(rest, others[axis])
            seen = _every(seen, axis, start, sizes[axis], stride)
        part = _product(seen, rows[:, place])
        total = part if total is None else total + part
    assert total is not None
    return total


def _every(x: Array, axis: int, start: int, size: int, stride: int) -> Array:
    """`size` places of an axis, `stride` apart."""
    return jax.lax.slice_in_dim(x, start, start + stride * (size - 1) + 1, stride, axis % x.ndim)


def _product(x: Array, rows: Array) -> Array:
    """The last axis of `x` with that of `rows`."""
    return jnp.matmul(x, rows.T)
