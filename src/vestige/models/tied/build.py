"""From layers as one writes them to a pair."""

import itertools

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied.connections import AbstractConnection, Convolution, Dense, OnVector
from vestige.models.tied.layers import Filters, parsed, shapes
from vestige.models.tied.pair import TiedPair, tied_pair
from vestige.models.tied.ties import Tie
from vestige.models.tied.units import AbstractUnits, Bits, OneHot
from vestige.typing import Key


def build_pair(
    images: Float[Array, "rows pixels"],
    labels: Float[Array, "rows classes"] | None,
    *,
    image: tuple[int, int],
    layers: str,
    tie: Tie,
    scale: float,
    key: Key,
) -> TiedPair:
    """A pair for binary images, whose biases start at the frequencies of pixels and classes.

    **Arguments:**

    - `images`: in {0, 1}, written as vectors.
    - `labels`: indicators, zeros where a label is hidden; the classes become the top layer. None: bits on top.
    - `image`: height and width, which are the same.
    - `layers`: of hidden units, e.g. `8c5s2p1-50` (`vestige.models.tied.layers`).
    - `tie`, `scale`: as for `tied_pair`.

    **Raises:** `ValueError` where `layers` cannot be read, or filters cannot be transposed.
    """
    hidden = shapes(layers, image[0])
    units: list[AbstractUnits] = [Bits(*images.shape[1:]), *(Bits(*shape) for shape in hidden)]
    prior = None
    if labels is not None:
        classes = labels.shape[1]
        units.append(OneHot(classes))
        counts = jnp.sum(labels, axis=0)
        prior = jnp.log((counts + 1) / (jnp.sum(counts) + classes))
    return tied_pair(
        units,
        ups=joined(layers, image, units),
        tie=tie,
        scale=scale,
        data_mean=jnp.mean(images, axis=0),
        prior=prior,
        key=key,
    )


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
