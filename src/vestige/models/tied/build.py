"""From layers as one writes them to a pair."""

import itertools

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection, Convolution, Dense, OnVector
from vestige.models.tied.layers import Filters, parsed, shapes, sizes
from vestige.models.tied.pair import TiedPair, tied_pair
from vestige.models.tied.shortcuts import Joined
from vestige.models.tied.ties import Tie
from vestige.models.tied.units import AbstractUnits, Bits, OneHot
from vestige.models.tied.visible import Visible
from vestige.typing import Key


def build_pair(
    images: Float[Array, "rows pixels"],
    labels: Float[Array, "rows classes"] | None,
    *,
    image: tuple[int, int],
    layers: str,
    tie: Tie,
    scale: float,
    shortcuts: Joined = "none",
    key: Key,
) -> TiedPair:
    """A pair for binary images, whose biases start at the frequencies of pixels and classes.

    **Arguments:**

    - `images`: in {0, 1}, written as vectors.
    - `labels`: indicators, zeros where a label is hidden; the classes become the top layer. None: bits on top.
    - `image`: height and width, which are the same.
    - `layers`: of hidden units, e.g. `8c5s2p1-50` (`vestige.models.tied.layers`).
    - `tie`, `scale`: as for `tied_pair`.
    - `shortcuts`: with which layers classes are joined beside the last, as for `tied_pair`.

    **Raises:** `ValueError` where `layers` cannot be read, filters cannot be transposed, or there are no classes or
    layers to be joined.
    """
    hidden = shapes(layers, image[0])
    top, prior = _top(labels)
    units: list[AbstractUnits] = [Bits(*images.shape[1:]), *(Bits(*shape) for shape in hidden), *top]
    return tied_pair(
        units,
        ups=joined(layers, image, units),
        tie=tie,
        scale=scale,
        data_mean=jnp.mean(images, axis=0),
        prior=prior,
        shortcuts=_joinable(shortcuts, labels),
        key=key,
    )


def build_pair_of_rows(
    visible: Visible,
    bias: Float[Array, " parameters"],
    labels: Float[Array, "rows classes"] | None,
    *,
    layers: str,
    tie: Tie,
    scale: float,
    shortcuts: Joined = "none",
    key: Key,
) -> TiedPair:
    """A pair for rows of any kind of values, whose biases start at the means of values and the frequencies of classes.

    **Arguments:**

    - `visible`: the lowest layer.
    - `bias`: of it at the start.
    - `labels`, `tie`, `scale`, `shortcuts`: as for `build_pair`.
    - `layers`: sizes of the hidden layers, such as `32-16`.

    **Raises:** `ValueError` where `layers` cannot be read, or there is nothing to be joined.
    """
    hidden = [Bits(size) for size in sizes(layers)]
    top, prior = _top(labels)
    shortcuts = _joinable(shortcuts, labels)
    units = [visible, *hidden, *top]
    return tied_pair(units, tie=tie, scale=scale, data_bias=bias, prior=prior, shortcuts=shortcuts, key=key)


def _joinable(shortcuts: Joined, labels: Array | None) -> Joined:
    """`shortcuts`, where there are classes for them."""
    if shortcuts != "none" and labels is None:
        raise ValueError("shortcuts join classes with lower layers, and these data have no classes: leave them out")
    return shortcuts


def _top(labels: Float[Array, "rows classes"] | None) -> tuple[list[AbstractUnits], Float[Array, " classes"] | None]:
    """Classes on top, and the logarithms of their frequencies, one example more granted to each."""
    if labels is None:
        return [], None
    classes = labels.shape[1]
    counts = jnp.sum(labels, axis=0)
    return [OneHot(classes)], jnp.log((counts + 1) / (jnp.sum(counts) + classes))


def joined(layers: str, image: tuple[int, int], units: list[AbstractUnits]) -> list[AbstractConnection]:
    """What joins neighbouring layers, from the data upward; the data are images written as vectors.

    **Arguments:**

    - `layers`: the hidden layers, as `parsed` reads them.
    - `image`: height and width of the data.
    - `units`: of every layer, from the data upward.

    **Raises:** `ValueError` for filters that cannot be transposed.
    """
    below, found = (1, *image), []
    pairs = itertools.zip_longest(parsed(layers), itertools.pairwise(units))  # on top there may be classes
    for layer, (lower, upper) in pairs:
        if isinstance(layer, Filters):
            filters = Convolution(below, layer.number, layer.side, layer.stride, layer.padding)
            found.append(filters if found else OnVector(filters))
        else:
            found.append(Dense(lower.shape, upper.shape))
        below = upper.shape
    return found
